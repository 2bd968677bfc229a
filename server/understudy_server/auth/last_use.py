"""When keys were last used: written beside the requests, never in their way."""

from __future__ import annotations

import asyncio

import structlog

from understudy_server.auth.records import KEYS, key_uses
from understudy_server.clock import SECOND, Clock
from understudy_server.errors import Conflict, StoreError
from understudy_server.store.commits import commit_new
from understudy_server.store.port import Store
from understudy_server.store.v1.records_pb2 import KeyUse

AT_MOST_EVERY = 60.0
"""Seconds between two writes of one core for one key."""


class LastUse:
    """Notes uses and writes them down. ``start`` and ``stop`` bracket its life; a use may be lost with its core."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._noted: dict[str, float] = {}
        self._unwritten: list[str] = []
        self._stirred = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._log = structlog.get_logger().bind(component="keys")

    def note(self, id: str) -> None:
        """The key of this id is being used."""
        now = self._clock.monotonic()
        noted = self._noted.get(id)
        if noted is not None and now - noted < AT_MOST_EVERY:
            return
        self._noted[id] = now
        self._unwritten.append(id)
        self._stirred.set()

    def start(self) -> None:
        self._writing = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])

    async def _run(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            ids, self._unwritten = self._unwritten, []
            self._forget()
            for id in ids:
                try:
                    await self._write(id)
                except Conflict:
                    # Another core has just written the same.
                    continue
                except StoreError as error:
                    self._log.info("key_use_lost", reason=error.message)
                except Exception:  # noqa: BLE001  # a bug must not end this for all keys
                    self._log.exception("key_use_failed")

    async def _write(self, id: str) -> None:
        row = await key_uses.get(self._store, KEYS, id, fresh=True)
        now = self._store.now()
        put = key_uses.put(
            id,
            KeyUse(used_at=now // SECOND),
            expected=None if row is None else row.version,
            order=now if row is None else row.order,
        )
        await commit_new(self._store, KEYS, [put], self._clock)

    def _forget(self) -> None:
        now = self._clock.monotonic()
        self._noted = {id: at for id, at in self._noted.items() if now - at < AT_MOST_EVERY}
