"""A store whose calls a test can hold up: a core that stands still, or that is cut off."""

from __future__ import annotations

import asyncio

from tests.store.forwarding import ForwardingStore
from understudy_server.store.port import Commit, Store, Version


class GatedStore(ForwardingStore):
    """While ``gate`` is clear, commits and reads wait before they reach the store."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.gate = asyncio.Event()
        self.gate.set()

    async def _reach(self) -> None:
        await self.gate.wait()

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        await self.gate.wait()
        return await self._inner.commit(commit)
