"""Event logs: append only, in order, read from anywhere."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.samples import (
    FOREIGN,
    SIBLING,
    THREAD,
    append,
    drop,
    entry,
    put,
    write,
    write_one,
)
from understudy_server.errors import Conflict
from understudy_server.store.port import LOG_START, Entry, EventId, Store


async def _read(store: Store, after: tuple[int, int] = LOG_START, limit: int = 100) -> list[Entry]:
    return list(await store.read(THREAD, "run_1", EventId(*after), limit))


class LogConformance:
    async def test_an_absent_log_is_empty(self, store: Store) -> None:
        assert await _read(store) == []

    async def test_entries_come_back_in_order(self, store: Store) -> None:
        entries = [
            entry((1, 1), (1, 4), b"\x00\xff"),
            entry((1, 5), body=b""),
            entry((1, 9), (1, 12)),
            entry((2, 1), (2, 1)),
            entry((10, 1), (11, 5)),
        ]
        await write(store, append(*entries[:2]))
        await write(store, append(entries[2]))
        await write(store, append(*entries[3:]))
        assert await _read(store) == entries

    async def test_reading_after_an_event(self, store: Store) -> None:
        entries = [entry((1, 1), (1, 4)), entry((1, 5)), entry((2, 1), (2, 9)), entry((3, 1))]
        await write(store, append(*entries))
        for after, count in [
            ((0, 9), 4),
            ((1, 0), 4),
            ((1, 1), 4),  # the middle of an entry: it comes whole
            ((1, 3), 4),
            ((1, 4), 3),
            ((1, 5), 2),
            ((1, 999), 2),
            ((2, 0), 2),
            ((2, 8), 2),
            ((2, 9), 1),
            ((3, 1), 0),
            ((9, 9), 0),
        ]:
            assert await _read(store, after) == entries[len(entries) - count :], after

    async def test_reading_in_pages(self, store: Store) -> None:
        entries = [entry((1, n)) for n in range(1, 8)]
        await write(store, append(*entries))
        seen: list[Entry] = []
        while page := await _read(store, seen[-1].last if seen else LOG_START, limit=3):
            assert len(page) == min(3, len(entries) - len(seen))
            seen += page
        assert seen == entries
        with pytest.raises(ValueError):
            await _read(store, limit=0)

    @pytest.mark.parametrize("first", [(1, 3), (1, 4), (1, 1), (0, 9)], ids=str)
    async def test_an_append_at_or_before_the_end_conflicts(
        self, store: Store, first: tuple[int, int]
    ) -> None:
        await write(store, append(entry((1, 2), (1, 4))))
        with pytest.raises(Conflict):
            await write(store, put("a"), append(entry(first, (5, 5))))
        assert await _read(store) == [entry((1, 2), (1, 4))]
        assert await store.get(THREAD, "message", "a", fresh=True) is None

    async def test_logs_are_apart(self, store: Store) -> None:
        await write(store, append(entry((5, 5))), append(entry((1, 1), body=b"2"), log="run_2"))
        await write(store, append(entry((1, 1))), partition=SIBLING)
        await write(store, append(entry((1, 1))), partition=FOREIGN)
        assert await _read(store) == [entry((5, 5))]
        assert await store.read(THREAD, "run_2", LOG_START, 9) == [entry((1, 1), body=b"2")]
        assert await store.read(FOREIGN, "run_1", LOG_START, 9) == [entry((1, 1))]
        assert list(await store.read(FOREIGN, "run_2", LOG_START, 9)) == []

    async def test_a_dropped_log_is_gone_and_begins_anew(self, store: Store) -> None:
        await write(store, append(*(entry((3, n)) for n in range(1, 50))))
        await write(store, append(entry((1, 1)), log="run_2"))
        assert await write(store, drop()) == (None,)
        assert await _read(store) == []
        assert len(await store.read(THREAD, "run_2", LOG_START, 9)) == 1
        await write(store, append(entry((1, 1))))
        assert await _read(store) == [entry((1, 1))]

    async def test_dropping_an_absent_log_is_no_conflict(self, store: Store) -> None:
        await write(store, put("a"), drop())
        assert await store.get(THREAD, "message", "a", fresh=True) is not None

    async def test_a_log_is_no_record(self, store: Store) -> None:
        await write(store, append(entry((1, 1)), log="message"))
        assert list(await store.list(THREAD, None, limit=9)) == []

    async def test_of_many_appenders_of_one_id_one_wins(self, store: Store) -> None:
        outcomes = await asyncio.gather(
            *(write(store, append(entry((1, 1), body=b"%d" % n))) for n in range(20)),
            return_exceptions=True,
        )
        winners = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, tuple)]
        assert len(winners) == 1
        assert await _read(store) == [entry((1, 1), body=b"%d" % winners[0])]

    async def test_a_log_does_not_touch_its_records(self, store: Store) -> None:
        version = await write_one(store, put("a"))
        await write(store, append(entry((1, 1))))
        await write(store, put("a", version), append(entry((1, 2))))
        assert len(await _read(store)) == 2
