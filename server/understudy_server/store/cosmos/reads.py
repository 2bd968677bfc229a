"""Queries, and how many items a page of each has. One property bounds and orders each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from azure.cosmos.aio import ContainerProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

from understudy_server.store.cosmos import names
from understudy_server.store.cosmos.items import Item
from understudy_server.store.port import Position

LARGEST_PAGE = 1_000


async def read_item(container: ContainerProxy, partition_key: str, id: str) -> Item | None:
    """A point read; None if there is no such item."""
    try:
        return await container.read_item(id, partition_key)
    except CosmosHttpResponseError as error:
        # Substatuses tell of other things that are missing: the container, or a replica that is up to date.
        if error.status_code == 404 and not error.sub_status:
            return None
        raise


def between(*path: str, descending: bool = False, select: str = "*") -> str:
    """The text of a query. ``path``: of the property, and never a caller's text."""
    # In brackets, since some of our names are keywords.
    property = "c" + "".join(f'["{name}"]' for name in path)
    direction = "DESC" if descending else "ASC"
    bounded = f"{property} > @low AND {property} < @high"
    return f"SELECT {select} FROM c WHERE {bounded} ORDER BY {property} {direction}"  # noqa: S608  # see above


def position_range(start: str, low: Position | None, high: Position | None) -> Mapping[str, str]:
    above, below = names.bounds(start, low, high)
    return {"@low": above, "@high": below}


async def query(
    container: ContainerProxy,
    text: str,
    parameters: Mapping[str, str],
    limit: int,
    partition_key: str | None,
) -> Sequence[Item]:
    """The first ``limit`` items; ``partition_key=None``: of all partitions."""
    options: dict[str, Any] = {} if partition_key is None else {"partition_key": partition_key}
    found: list[Item] = []
    pages = container.query_items(
        text,
        parameters=[{"name": name, "value": value} for name, value in parameters.items()],
        max_item_count=min(limit, LARGEST_PAGE),
        **options,
    )
    async for item in pages:
        found.append(item)
        if len(found) == limit:
            break
    return found
