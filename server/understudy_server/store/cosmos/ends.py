"""Where logs end: read from their items, and remembered for those that go on."""

from __future__ import annotations

from collections import OrderedDict

from azure.cosmos.aio import ContainerProxy

from understudy_server.store.cosmos import items, names
from understudy_server.store.cosmos.items import End
from understudy_server.store.cosmos.reads import read_item
from understudy_server.store.port import Partition

MOST = 10_000
"""Logs that are remembered; forgetting one costs a request."""


class Ends:
    """What is remembered may be old. It says what to try, never what is so."""

    def __init__(self, container: ContainerProxy) -> None:
        self._container = container
        self._ends: OrderedDict[tuple[Partition, str], End] = OrderedDict()

    def get(self, partition: Partition, log: str) -> End | None:
        return self._ends.get((partition, log))

    def remember(self, partition: Partition, log: str, end: End) -> None:
        self._ends[partition, log] = end
        self._ends.move_to_end((partition, log))
        if len(self._ends) > MOST:
            self._ends.popitem(last=False)

    def forget(self, partition: Partition, log: str) -> None:
        self._ends.pop((partition, log), None)

    async def read(self, partition: Partition, log: str) -> End | None:
        """As it is now."""
        key = names.partition_key(partition)
        item = await read_item(self._container, key, names.log_id(log))
        if item is None:
            self.forget(partition, log)
            return None
        end = items.end(item)
        self.remember(partition, log, end)
        return end
