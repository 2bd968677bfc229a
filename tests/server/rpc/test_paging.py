"""Pages in both directions: a table of windows, and random listings against a plain list."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from understudy.v1 import assistant_pb2, pagination_pb2
from understudy_server.clock import SystemClock
from understudy_server.rpc import paging
from understudy_server.store.opener import open_store
from understudy_server.store.port import Commit, Partition, Position, Put, Store

A, B = Position(1, "a"), Position(2, "b")


@pytest.mark.parametrize(
    ("ascending", "after", "before", "low", "high", "descending", "flip"),
    [
        (True, None, None, None, None, False, False),
        (False, None, None, None, None, True, False),
        (True, A, None, A, None, False, False),
        (False, A, None, None, A, True, False),
        (True, None, B, None, B, True, True),
        (False, None, B, B, None, False, True),
        (True, A, B, A, B, False, False),
        (False, B, A, A, B, True, False),
    ],
)
def test_windows(
    ascending: Any, after: Any, before: Any, low: Any, high: Any, descending: Any, flip: Any
) -> None:
    assert paging.window(ascending=ascending, after=after, before=before, limit=5) == paging.Window(
        low=low, high=high, descending=descending, limit=6, flip=flip
    )


def test_the_ends_of_a_page() -> None:
    assert paging.ends([]) == {}
    assert paging.ends(["a", "b", "c"]) == {"first_id": "a", "last_id": "c"}


def _expected(
    orders: Any, *, ascending: Any, after: Any, before: Any, limit: Any
) -> tuple[list[str], bool]:
    """What the contract says, on a plain list."""
    ids = [f"t{i}" for i in sorted(range(len(orders)), key=lambda i: (orders[i], f"t{i}"))]
    if not ascending:
        ids.reverse()
    start = ids.index(after) + 1 if after else 0
    end = ids.index(before) if before else len(ids)
    between = ids[start:end]
    if before and not after:
        return between[-limit:], len(between) > limit
    return between[:limit], len(between) > limit


async def _fill(store: Store, place: Partition, orders: list[int]) -> None:
    puts = tuple(
        Put(kind="thing", id=f"t{index}", expected=None, order=order, body=b"")
        for index, order in enumerate(orders)
    )
    await store.commit(Commit(id=place.name, partition=place, operations=puts))


@pytest.mark.parametrize("backend", ["memory", "sqlite"])
async def test_pages_are_those_of_a_plain_list(backend: str, tmp_path: Path) -> None:
    url = "memory://" if backend == "memory" else f"sqlite:///{tmp_path}/store.db"
    store = await open_store(url, SystemClock())
    random = Random(1)
    try:
        for number in range(150):
            place = Partition("p", f"things/{number}")
            orders = [random.randint(0, 4) for _ in range(random.randint(1, 12))]
            await _fill(store, place, orders)
            ids = ["", *(f"t{index}" for index in range(len(orders)))]
            await _compare(store, place, orders, random.choice(ids), random.choice(ids), random)
    finally:
        await store.close()


async def _compare(
    store: Store, place: Partition, orders: list[int], after: str, before: str, random: Random
) -> None:
    ascending, limit = random.random() < 0.5, random.randint(1, 5)
    request = assistant_pb2.ListAssistantsRequest(
        limit=limit,
        order=pagination_pb2.SORT_ORDER_ASC if ascending else pagination_pb2.SORT_ORDER_DESC,
        after=after,
        before=before,
    )

    async def locate(id: str) -> Position:
        found = await store.get(place, "thing", id)
        assert found is not None
        return found.position

    page = await paging.page(request, partial(store.list, place, "thing"), locate)
    shown = [record.id for record in page.records]
    expected = _expected(orders, ascending=ascending, after=after, before=before, limit=limit)
    assert (shown, page.has_more) == expected
