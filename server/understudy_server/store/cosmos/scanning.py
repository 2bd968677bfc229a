"""Reading a container out whole, for a copy. A cursor is a sort key: what comes after it is still to be given."""

from __future__ import annotations

from collections.abc import Sequence

from azure.cosmos.aio import ContainerProxy

from understudy_server.store.cosmos import items, names
from understudy_server.store.cosmos.items import Item
from understudy_server.store.cosmos.reads import between, query
from understudy_server.store.port import Log, Partition, Portion, Stored

_PLACES = 'c["all"], c["project"], c["partition"], c["pk"]'
"""What tells a record's partition, without the body."""


async def partitions(container: ContainerProxy, cursor: str, limit: int) -> Portion[Partition]:
    """Whatever else the last partition of a page holds is jumped over."""
    text = between("all", select=_PLACES)
    found = await _page(container, text, cursor, names.AFTER_ALL, limit, None)
    each = dict.fromkeys(Partition(item["project"], item["partition"]) for item in found)
    return Portion([*each], names.after_partition(found[-1]["pk"]) if found else "")


async def logs(container: ContainerProxy, cursor: str, limit: int) -> Portion[Log]:
    found = await _page(container, between("end"), cursor, names.AFTER_ALL, limit, None)
    alive = [item for item in found if items.is_alive(items.end(item))]
    each = [Log(Partition(item["project"], item["partition"]), item["name"]) for item in alive]
    return Portion(each, found[-1]["end"] if len(found) == limit else "")


async def records(
    container: ContainerProxy, partition: Partition, cursor: str, limit: int
) -> Portion[Stored]:
    key = names.partition_key(partition)
    low, high = cursor or f"{key}|", names.after_partition(key)
    # By kind: without it, several records may have one position.
    found = await _page(container, between("list"), low, high, limit, key)
    each = [
        Stored(record=items.record(item), labels=tuple(item.get("labels", ()))) for item in found
    ]
    return Portion(each, found[-1]["list"] if len(found) == limit else "")


async def _page(
    container: ContainerProxy, text: str, low: str, high: str, limit: int, key: str | None
) -> Sequence[Item]:
    return await query(container, text, {"@low": low, "@high": high}, limit, key)
