"""A store in which somebody else is quicker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Commit, Version


class Interrupted(MemoryStore):
    """``before_commit`` is done before the next commit, once."""

    before_commit: Callable[[], Awaitable[object]] | None = None

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        before, self.before_commit = self.before_commit, None
        if before is not None:
            await before()
        return await super().commit(commit)
