"""Removes what dropped logs have left behind.

A batch has 100 operations, and a log any number of items. So a drop only marks the log's end, in the commit itself,
and begins a new generation, which makes the old entries invisible at once. They are removed later, in batches that
put the end too: an append that comes between makes such a batch fail, and nothing of it happens.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosBatchOperationError

from understudy_server.clock import SECOND, Clock
from understudy_server.errors import StoreError
from understudy_server.store.cosmos import batch, names
from understudy_server.store.cosmos.items import Item
from understudy_server.store.cosmos.reads import between, query
from understudy_server.store.cosmos.sending import TIMEOUT, one_call
from understudy_server.store.cosmos.time import StoreTime
from understudy_server.store.ending import end
from understudy_server.store.port import Partition

EVERY = 300.0
"""Seconds between sweeps."""

AGE = 60.0
"""Seconds a drop must be old: who reads the log at that moment is to find all of it, and calls end before that."""

LOGS = 50
"""Cleared in one sweep."""

ENTRIES = 24
"""Items removed in one batch: a larger one would take the throughput of many commits at once."""

assert AGE > 2 * TIMEOUT


class Sweeper:
    def __init__(self, container: ContainerProxy, clock: Clock, time: StoreTime) -> None:
        self._container = container
        self._clock = clock
        self._time = time
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._sweep_often())

    async def stop(self) -> None:
        await end(self._task)

    async def sweep(self, age: float = AGE) -> int:
        """Clear logs that were dropped ``age`` seconds ago or earlier; how many. Raises ``StoreError``."""
        before = self._time.now() - round(age * SECOND)
        bounds = {"@low": "", "@high": names.number(before + 1)}
        async with one_call(self._clock):
            found = await query(self._container, between("dropped"), bounds, LOGS, None)
        cleared = 0
        for last in found:
            async with one_call(self._clock):
                cleared += await self._clear(last)
        return cleared

    async def _clear(self, end: Item) -> bool:
        """False: somebody else has changed the log meanwhile, and the next sweep will see."""
        etag = end["_etag"]
        while True:
            left = await self._left(end)
            steps: list[Any] = [("delete", (item["id"],), {}) for item in left]
            steps.append(_finish(end, etag) if len(left) < ENTRIES else _mark(end, etag))
            try:
                results = await self._container.execute_item_batch(steps, end["pk"])
            except CosmosBatchOperationError:
                return False
            if len(left) < ENTRIES:
                return True
            etag = batch.etag(results[-1])

    async def _left(self, end: Item) -> list[Item]:
        """Entries of other generations than the present one."""
        partition = Partition(end["project"], end["partition"])
        start = names.log_start(partition, end["name"])
        present = names.log_start(partition, end["name"], end["generation"])
        found: list[Item] = []
        for low, high in ((start, present), (present + "~", start + "~")):
            bounds = {"@low": low, "@high": high}
            room = ENTRIES - len(found)
            if room:
                found += await query(self._container, between("log"), bounds, room, end["pk"])
        return found

    async def _sweep_often(self) -> None:
        while True:
            await self._clock.sleep(EVERY)
            try:
                while await self.sweep() == LOGS:
                    pass
            except StoreError as error:
                structlog.get_logger().warning("logs_not_swept", error=str(error))


def _mark(end: Item, etag: str) -> Any:
    return "replace", (end["id"], _own(end)), {"if_match_etag": etag}


def _finish(end: Item, etag: str) -> Any:
    """A log that has begun anew stays; nothing else is left of one that has not."""
    if end["last"] == "0-0":
        return "delete", (end["id"],), {"if_match_etag": etag}
    item = {name: value for name, value in _own(end).items() if name != "dropped"}
    return "replace", (end["id"], item), {"if_match_etag": etag}


def _own(item: Item) -> Item:
    """Without the properties that Cosmos DB adds."""
    return {name: value for name, value in item.items() if not name.startswith("_")}
