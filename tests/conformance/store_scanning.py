"""Reading a store out whole, as a copy does. A suite of its own, for the backends that are ``Scannable``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from tests.conformance.samples import (
    FOREIGN,
    SIBLING,
    THREAD,
    append,
    delete,
    drop,
    entry,
    put,
    write,
    write_one,
)
from understudy_server.errors import StoreUnavailable
from understudy_server.store.port import (
    Log,
    Partition,
    Portion,
    Put,
    Record,
    Scannable,
    Store,
    Stored,
)

T = TypeVar("T")

ODD = ("", "a:b/c", "%2f}", "{x}*?[y]", "null\0null", "\0", "\U0001f600 \u00e9", "'\"\\")
"""Texts that stand for something in one backend or another."""


def scannable(store: Store) -> Scannable:
    assert isinstance(store, Scannable)
    return store


async def whole(ask: Callable[[str, int], Awaitable[Portion[T]]], limit: int = 100) -> list[T]:
    """Everything, each thing once."""
    found: list[T] = []
    cursor = ""
    for _ in range(10_000):
        portion = await ask(cursor, limit)
        found += [each for each in portion.found if each not in found]
        cursor = portion.cursor
        if not cursor:
            return found
    raise AssertionError("the scan does not end")


async def records(store: Store, partition: Partition, limit: int = 100) -> list[Stored]:
    found = await whole(lambda c, n: scannable(store).records(partition, c, n), limit)
    return sorted(found, key=lambda each: (each.record.kind, each.record.id))


class ScanningConformance:
    async def test_an_empty_store_has_nothing(self, store: Store) -> None:
        assert await whole(scannable(store).partitions) == []
        assert await whole(scannable(store).logs) == []
        assert await records(store, THREAD) == []

    @pytest.mark.parametrize("limit", [1, 2, 3, 100], ids=str)
    async def test_every_partition_comes(self, store: Store, limit: int) -> None:
        made = [THREAD, SIBLING, FOREIGN]
        made += [Partition(project, f"thread/{n}") for project in ("", "p") for n in range(9)]
        for partition in made:
            for n in range(3):
                await write(store, put(str(n)), partition=partition)
        assert sorted(await whole(scannable(store).partitions, limit)) == sorted(made)

    @pytest.mark.parametrize("limit", [1, 2, 3, 100], ids=str)
    async def test_every_log_comes(self, store: Store, limit: int) -> None:
        made = [Log(partition, f"run_{n}") for partition in (THREAD, FOREIGN) for n in range(5)]
        for partition, name in made:
            for n in range(1, 4):
                await write(store, append(entry((n, 1)), log=name), partition=partition)
        assert sorted(await whole(scannable(store).logs, limit)) == made

    @pytest.mark.parametrize("limit", [1, 2, 3, 100], ids=str)
    async def test_every_record_comes_as_it_was_put(self, store: Store, limit: int) -> None:
        puts = [
            put("a", order=5, body=b"\x00\xff", due=7, labels=("z", "all", "all")),
            put("b", order=5, body=b"", due=0),
            put("a", kind="thread", order=0, labels=("status=done&x:y/%",)),
            *(put(f"n{n}", kind=f"step/{n % 3}", order=n % 4) for n in range(12)),
        ]
        for each in puts:
            await write(store, each)
        await write(store, put("a", body=b"another's", labels=("other",)), partition=SIBLING)
        found = await records(store, THREAD, limit)
        expected = [
            Stored(record=await _fresh(store, THREAD, each), labels=tuple(sorted(set(each.labels))))
            for each in sorted(puts, key=lambda each: (each.kind, each.id))
        ]
        assert found == expected

    async def test_what_was_replaced_and_removed(self, store: Store) -> None:
        version = await write_one(store, put("a", labels=("one",), due=3))
        version = await write_one(store, put("a", version, order=9, labels=("two",)))
        (found,) = await records(store, THREAD)
        assert (found.labels, found.record.order, found.record.due) == (("two",), 9, None)
        version = await write_one(store, put("a", version))
        (found,) = await records(store, THREAD)
        assert found.labels == ()
        await write(store, append(entry((1, 1))))
        await write(store, delete("a", version), drop())
        assert await records(store, THREAD) == []
        assert await whole(scannable(store).partitions) == []
        assert await whole(scannable(store).logs) == []

    @pytest.mark.parametrize("text", ODD, ids=ascii)
    async def test_odd_texts(self, store: Store, text: str) -> None:
        partition = Partition(text, f"{text}name")
        one = put(f"{text}id", kind=f"{text}kind", labels=(f"{text}label", "all"))
        await write(store, one, append(entry((1, 1)), log=f"{text}log"), partition=partition)
        assert await whole(scannable(store).partitions, 1) == [partition]
        assert await whole(scannable(store).logs, 1) == [Log(partition, f"{text}log")]
        (found,) = await records(store, partition, 1)
        assert found.record == await _fresh(store, partition, one)
        assert found.labels == tuple(sorted(one.labels))

    async def test_a_scan_goes_on_while_what_it_gave_is_removed(self, store: Store) -> None:
        made = [Partition("p", f"thread/{n}") for n in range(20)]
        for partition in made:
            await write(store, put("a"), partition=partition)
        seen: set[Partition] = set()
        cursor = ""
        while True:
            portion = await scannable(store).partitions(cursor, 3)
            for partition in set(portion.found) - seen:
                for stored in await records(store, partition):
                    gone = delete("a", stored.record.version)
                    await write(store, gone, partition=partition)
            seen.update(portion.found)
            cursor = portion.cursor
            if not cursor:
                break
        assert seen == set(made)
        assert await whole(scannable(store).partitions) == []

    async def test_a_limit_must_be_positive(self, store: Store) -> None:
        for ask in (scannable(store).partitions, scannable(store).logs):
            with pytest.raises(ValueError):
                await ask("", 0)
        with pytest.raises(ValueError):
            await scannable(store).records(THREAD, "", 0)

    async def test_a_closed_store_gives_nothing(self, store: Store) -> None:
        await store.close()
        for ask in (scannable(store).partitions, scannable(store).logs):
            with pytest.raises(StoreUnavailable):
                await ask("", 1)
        with pytest.raises(StoreUnavailable):
            await scannable(store).records(THREAD, "", 1)


async def _fresh(store: Store, partition: Partition, put: Put) -> Record:
    record = await store.get(partition, put.kind, put.id, fresh=True)
    assert record is not None
    return record
