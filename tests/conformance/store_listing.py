"""Lists within a partition: order, bounds, limits, paging."""

from __future__ import annotations

import pytest

from tests.conformance.samples import FOREIGN, SIBLING, THREAD, delete, put, write, write_one
from understudy_server.store.port import MAX_NUMBER, Position, Store

PLACES = [(1, "b"), (2, "a"), (2, "c"), (2, "d"), (3, "aa"), (MAX_NUMBER, "z")]
"""Ties in the order, and orders against the alphabet."""


async def _fill(store: Store) -> None:
    await write(store, *(put(id, order=order) for order, id in reversed(PLACES)))
    await write(store, put("x", kind="run", order=2))
    await write(store, put("s", order=2), partition=SIBLING)
    await write(store, put("f", order=2), partition=FOREIGN)


class ListingConformance:
    async def test_an_unknown_partition_is_empty(self, store: Store) -> None:
        assert list(await store.list(THREAD, "message", limit=10)) == []
        assert list(await store.list(THREAD, None, limit=10)) == []

    @pytest.mark.parametrize("descending", [False, True], ids=str)
    async def test_records_come_by_order_then_id(self, store: Store, descending: bool) -> None:
        await _fill(store)
        records = await store.list(THREAD, "message", descending=descending, limit=100)
        assert [record.position for record in records] == sorted(PLACES, reverse=descending)
        assert all(record.partition == THREAD for record in records)

    @pytest.mark.parametrize("descending", [False, True], ids=str)
    @pytest.mark.parametrize("kind", ["message", None], ids=str)
    async def test_bounds_are_exclusive(
        self, store: Store, kind: str | None, descending: bool
    ) -> None:
        await _fill(store)
        places = sorted([*PLACES, (2, "x")] if kind is None else PLACES)
        edges = [None, *places, (0, ""), (2, ""), (2, "cc"), (MAX_NUMBER, "zz")]
        for low in edges:
            for high in edges:
                records = await store.list(
                    THREAD,
                    kind,
                    low=Position(*low) if low else None,
                    high=Position(*high) if high else None,
                    descending=descending,
                    limit=100,
                )
                inside = [p for p in places if (not low or p > low) and (not high or p < high)]
                expected = inside[::-1] if descending else inside
                assert [record.position for record in records] == expected, (low, high)

    @pytest.mark.parametrize("descending", [False, True], ids=str)
    @pytest.mark.parametrize("kind", ["message", None], ids=str)
    @pytest.mark.parametrize("limit", [1, 2, 5, 6, 7], ids=str)
    async def test_paging_visits_each_record_once(
        self, store: Store, kind: str | None, limit: int, descending: bool
    ) -> None:
        await _fill(store)
        places = sorted([*PLACES, (2, "x")] if kind is None else PLACES, reverse=descending)
        seen: list[Position] = []
        while True:
            last = seen[-1] if seen else None
            low, high = (None, last) if descending else (last, None)
            page = await store.list(
                THREAD, kind, low=low, high=high, descending=descending, limit=limit
            )
            assert len(page) == min(limit, len(places) - len(seen))
            if not page:
                break
            seen += [record.position for record in page]
        assert seen == places

    async def test_every_kind_together(self, store: Store) -> None:
        for order, kind in enumerate(["thread", "head", "message", "run", "a", "message"]):
            await write(store, put(f"{kind}{order}", kind=kind, order=order))
        await write(store, put("tie", kind="y", order=9), put("tie", kind="x", order=9))
        records = await store.list(THREAD, None, limit=100)
        kinds = [record.kind for record in records]
        assert kinds[:6] == ["thread", "head", "message", "run", "a", "message"]
        assert sorted(kinds[6:]) == ["x", "y"]

    async def test_a_replaced_record_moves(self, store: Store) -> None:
        version = await write_one(store, put("a", order=1))
        await write(store, put("b", order=2))
        await write(store, put("a", version, order=3))
        records = await store.list(THREAD, "message", limit=100)
        assert [record.position for record in records] == [(2, "b"), (3, "a")]
        everything = await store.list(THREAD, None, limit=100)
        assert [record.position for record in everything] == [(2, "b"), (3, "a")]

    async def test_a_deleted_record_leaves(self, store: Store) -> None:
        version = await write_one(store, put("a"))
        await write(store, put("b"))
        await write(store, delete("a", version))
        assert [record.id for record in await store.list(THREAD, "message", limit=100)] == ["b"]
        assert [record.id for record in await store.list(THREAD, None, limit=100)] == ["b"]

    @pytest.mark.parametrize("limit", [0, -1], ids=str)
    async def test_a_limit_is_positive(self, store: Store, limit: int) -> None:
        with pytest.raises(ValueError):
            await store.list(THREAD, "message", limit=limit)
        with pytest.raises(ValueError):
            await store.due(1, limit)
        with pytest.raises(ValueError):
            await store.directory("proj_1", "message", "x", limit=limit)
