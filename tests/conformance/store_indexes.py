"""The two indexes across partitions are exact after every kind of change."""

from __future__ import annotations

import pytest

from tests.conformance.samples import (
    FOREIGN,
    SIBLING,
    THREAD,
    check,
    delete,
    put,
    write,
    write_one,
)
from understudy_server.store.port import MAX_NUMBER, Position, Record, Store


async def _due(store: Store, now: int, limit: int = 100) -> list[tuple[str, str, int | None]]:
    records = await store.due(now, limit)
    return [(record.partition.project, record.id, record.due) for record in records]


async def _labelled(store: Store, label: str, project: str = "proj_1") -> list[str]:
    return [record.id for record in await store.directory(project, "thread", label, limit=100)]


class IndexConformance:
    async def test_due_spans_partitions_and_projects_earliest_first(self, store: Store) -> None:
        await write(store, put("c", due=30), put("never"))
        await write(store, put("a", due=10), partition=SIBLING)
        await write(store, put("b", due=20), partition=FOREIGN)
        assert await _due(store, 9) == []
        assert await _due(store, 10) == [("proj_1", "a", 10)]
        assert await _due(store, 29) == [("proj_1", "a", 10), ("proj_2", "b", 20)]
        assert len(await _due(store, MAX_NUMBER)) == 3
        assert await _due(store, MAX_NUMBER, limit=1) == [("proj_1", "a", 10)]

    async def test_due_gives_whole_records(self, store: Store) -> None:
        await write(store, put("a", due=10, order=4, body=b"whole"))
        assert await store.due(10, 5) == [await store.get(THREAD, "message", "a", fresh=True)]

    async def test_due_follows_replacement_and_deletion(self, store: Store) -> None:
        version = await write_one(store, put("a", due=10))
        version = await write_one(store, put("a", version, due=20))
        assert await _due(store, 19) == []
        assert await _due(store, 20) == [("proj_1", "a", 20)]
        version = await write_one(store, put("a", version))
        assert await _due(store, MAX_NUMBER) == []
        version = await write_one(store, put("a", version, due=0))
        await write(store, check("a", version))
        assert await _due(store, 0) == [("proj_1", "a", 0)]
        await write(store, delete("a", version))
        assert await _due(store, MAX_NUMBER) == []

    async def test_equal_due_times_all_come(self, store: Store) -> None:
        for number in range(10):
            await write(store, put(str(number), due=5))
        assert {id for _, id, _ in await _due(store, 5)} == {str(n) for n in range(10)}
        assert len(await _due(store, 5, limit=4)) == 4

    async def test_directory_spans_the_partitions_of_one_project(self, store: Store) -> None:
        await write(store, put("b", kind="thread", order=2, labels=("all",)))
        await write(store, put("a", kind="thread", order=2, labels=("all",)), partition=SIBLING)
        await write(store, put("x", kind="thread", order=1, labels=("all",)), partition=FOREIGN)
        await write(store, put("c", kind="run", order=1, labels=("all",)))
        await write(store, put("d", kind="thread", order=1, labels=("other",)))
        await write(store, put("e", kind="thread", order=1))
        assert await _labelled(store, "all") == ["a", "b"]
        assert await _labelled(store, "all", "proj_2") == ["x"]
        assert await _labelled(store, "all", "proj_3") == []
        assert await _labelled(store, "al") == []

    async def test_directory_gives_whole_records(self, store: Store) -> None:
        await write(store, put("a", kind="thread", order=4, due=3, labels=("all",)))
        found = await store.directory("proj_1", "thread", "all", limit=5)
        assert found == [await store.get(THREAD, "thread", "a", fresh=True)]

    async def test_directory_follows_labels(self, store: Store) -> None:
        version = await write_one(store, put("a", kind="thread", labels=("one", "two")))
        assert await _labelled(store, "one") == await _labelled(store, "two") == ["a"]
        version = await write_one(store, put("a", version, kind="thread", labels=("two", "three")))
        assert await _labelled(store, "one") == []
        assert await _labelled(store, "two") == await _labelled(store, "three") == ["a"]
        version = await write_one(store, put("a", version, kind="thread"))
        assert await _labelled(store, "two") == await _labelled(store, "three") == []
        version = await write_one(store, put("a", version, kind="thread", labels=("one",)))
        await write(store, delete("a", version, kind="thread"))
        assert await _labelled(store, "one") == []

    async def test_a_label_given_twice_counts_once(self, store: Store) -> None:
        version = await write_one(store, put("a", kind="thread", labels=("one", "one")))
        assert await _labelled(store, "one") == ["a"]
        await write(store, delete("a", version, kind="thread"))
        assert await _labelled(store, "one") == []

    async def test_directory_shows_the_present_record(self, store: Store) -> None:
        version = await write_one(store, put("a", kind="thread", order=1, labels=("all",)))
        await write(store, put("b", kind="thread", order=2, labels=("all",)))
        version = await write_one(
            store, put("a", version, kind="thread", order=1, body=b"new", labels=("all",))
        )
        found = await store.directory("proj_1", "thread", "all", limit=5)
        assert [(record.id, record.body) for record in found] == [("a", b"new"), ("b", b"body")]
        await write(store, put("a", version, kind="thread", order=3, labels=("all",)))
        assert await _labelled(store, "all") == ["b", "a"]

    @pytest.mark.parametrize("descending", [False, True], ids=str)
    @pytest.mark.parametrize("limit", [1, 2, 3, 10], ids=str)
    async def test_directory_pages(self, store: Store, limit: int, descending: bool) -> None:
        places = [(1, "b"), (2, "a"), (2, "c"), (3, "aa"), (MAX_NUMBER, "z")]
        for number, (order, id) in enumerate(places):
            partition = (THREAD, SIBLING)[number % 2]
            thread = put(id, kind="thread", order=order, labels=("all",))
            await write(store, thread, partition=partition)
        seen: list[Record] = []
        while True:
            last: Position | None = seen[-1].position if seen else None
            page = await store.directory(
                "proj_1",
                "thread",
                "all",
                low=None if descending else last,
                high=last if descending else None,
                descending=descending,
                limit=limit,
            )
            assert len(page) == min(limit, len(places) - len(seen))
            if not page:
                break
            seen += page
        assert [record.position for record in seen] == sorted(places, reverse=descending)

    async def test_directory_bounds_are_exclusive(self, store: Store) -> None:
        for order in range(5):
            await write(store, put("t", kind=f"k{order}"))
            await write(store, put(f"t{order}", kind="thread", order=order, labels=("all",)))
        found = await store.directory(
            "proj_1", "thread", "all", low=Position(1, "t1"), high=Position(4, "t4"), limit=10
        )
        assert [record.id for record in found] == ["t2", "t3"]
