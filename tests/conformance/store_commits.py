"""Records, versions and the atomicity of commits."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.samples import (
    FOREIGN,
    SIBLING,
    THREAD,
    append,
    check,
    commit_of,
    delete,
    drop,
    entry,
    put,
    write,
    write_one,
)
from understudy_server.errors import Conflict
from understudy_server.store.port import (
    LOG_START,
    MAX_COMMIT_BYTES,
    MAX_NUMBER,
    MAX_OPERATIONS,
    Operation,
    Record,
    Store,
)


class CommitConformance:
    async def test_a_put_record_comes_back_as_it_was(self, store: Store) -> None:
        commit = commit_of(put("a", order=7, body=b"\x00\xff", due=9, labels=("x",)))
        (version,) = await store.commit(commit)
        assert version is not None
        assert await store.get(THREAD, "message", "a") == Record(
            partition=THREAD,
            kind="message",
            id="a",
            order=7,
            version=version,
            commit=commit.id,
            body=b"\x00\xff",
            due=9,
        )

    async def test_an_absent_record_is_none(self, store: Store) -> None:
        await write(store, put("a"))
        assert await store.get(THREAD, "message", "b", fresh=True) is None
        assert await store.get(THREAD, "run", "a", fresh=True) is None
        assert await store.get(SIBLING, "message", "a", fresh=True) is None

    async def test_a_record_of_another_project_does_not_exist(self, store: Store) -> None:
        await write(store, put("a", body=b"ours"))
        await write(store, put("a", body=b"theirs"), partition=FOREIGN)
        ours = await store.get(THREAD, "message", "a", fresh=True)
        theirs = await store.get(FOREIGN, "message", "a", fresh=True)
        assert ours is not None
        assert theirs is not None
        assert (ours.body, theirs.body) == (b"ours", b"theirs")

    async def test_a_replacement_needs_the_present_version(self, store: Store) -> None:
        first = await write_one(store, put("a"))
        second = await write_one(store, put("a", first, body=b"second"))
        for expected in (first, None, "never given"):
            with pytest.raises(Conflict):
                await write(store, put("a", expected, body=b"late"))
        record = await store.get(THREAD, "message", "a", fresh=True)
        assert record is not None
        assert (record.version, record.body) == (second, b"second")

    async def test_a_version_is_expected_of_an_absent_record_in_vain(self, store: Store) -> None:
        with pytest.raises(Conflict):
            await write(store, put("a", "1"))
        with pytest.raises(Conflict):
            await write(store, delete("a", "1"))

    async def test_versions_never_repeat(self, store: Store) -> None:
        versions = []
        for _ in range(3):
            first = await write_one(store, put("a"))
            second = await write_one(store, put("a", first))
            versions += [first, second, await write_one(store, put("b"), SIBLING)]
            await write(store, delete("a", second))
            await write(store, delete("b", versions[-1]), partition=SIBLING)
        assert len(set(versions)) == len(versions)

    async def test_a_version_from_before_a_deletion_is_dead(self, store: Store) -> None:
        first = await write_one(store, put("a"))
        await write(store, delete("a", first))
        await write(store, put("a"))
        for operation in (put("a", first), delete("a", first), check("a", first)):
            with pytest.raises(Conflict):
                await write(store, operation)

    async def test_a_deleted_record_is_absent(self, store: Store) -> None:
        version = await write_one(store, put("a"))
        assert await write(store, delete("a", version), check("b", None)) == (None, None)
        assert await store.get(THREAD, "message", "a", fresh=True) is None

    async def test_a_check_holds_and_changes_nothing(self, store: Store) -> None:
        version = await write_one(store, put("a"))
        before = await store.get(THREAD, "message", "a", fresh=True)
        assert await write(store, check("a", version), check("b", None)) == (None, None)
        assert await store.get(THREAD, "message", "a", fresh=True) == before
        for failing in (check("a", None), check("a", "other"), check("b", version)):
            with pytest.raises(Conflict):
                await write(store, failing, put("c"))
        assert await store.get(THREAD, "message", "c", fresh=True) is None

    async def test_versions_stand_where_their_puts_stand(self, store: Store) -> None:
        versions = await write(
            store, check("x", None), put("a"), append(entry((1, 1))), put("b"), drop("run_2")
        )
        assert [version is None for version in versions] == [True, False, True, False, True]
        for id, version in (("a", versions[1]), ("b", versions[3])):
            record = await store.get(THREAD, "message", id, fresh=True)
            assert record is not None
            assert record.version == version

    @pytest.mark.parametrize("place", [0, 1, 2, 3, 4], ids=str)
    @pytest.mark.parametrize(
        "failing",
        [put("old"), check("old", None), delete("old", "other"), append(entry((1, 1)), log="old")],
        ids=lambda operation: type(operation).__name__,
    )
    async def test_a_conflict_anywhere_changes_nothing(
        self, store: Store, failing: Operation, place: int
    ) -> None:
        old = put("old", due=5, labels=("old",))
        await write(store, old, append(entry((1, 1)), log="old"))
        kept = await write_one(store, put("kept", due=6, labels=("kept",), order=2))
        before = await _everything(store)
        operations: list[Operation] = [
            put("new", due=1, labels=("old", "kept", "new")),
            put("kept", kept, order=9, due=2, labels=("new",)),
            append(entry((2, 1)), log="kept"),
            drop("other"),
        ]
        operations.insert(place, failing)
        with pytest.raises(Conflict):
            await write(store, *operations)
        assert await _everything(store) == before

    async def test_a_repeated_commit_conflicts_and_its_id_is_found(self, store: Store) -> None:
        version = await write_one(store, put("head", kind="head"))
        commit = commit_of(put("head", version, kind="head"), append(entry((1, 1))))
        await store.commit(commit)
        with pytest.raises(Conflict):
            await store.commit(commit)
        record = await store.get(THREAD, "head", "head", fresh=True)
        assert record is not None
        assert record.commit == commit.id

    async def test_of_many_writers_of_one_version_one_wins(self, store: Store) -> None:
        version: str | None = None
        for _ in range(5):
            commits = [
                commit_of(put("a", version), put(f"own-{writer}-{version}")) for writer in range(20)
            ]
            outcomes = await asyncio.gather(
                *(store.commit(commit) for commit in commits), return_exceptions=True
            )
            winners = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, tuple)]
            assert len(winners) == 1
            assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 19
            record = await store.get(THREAD, "message", "a", fresh=True)
            assert record is not None
            assert record.commit == commits[winners[0]].id
            version = record.version
        own = await store.list(THREAD, "message", limit=100)
        assert len(own) == 5 + 1

    async def test_an_acknowledged_commit_is_seen_by_fresh_reads(self, store: Store) -> None:
        async def write_and_look(id: str) -> bool:
            version = await write_one(store, put(id))
            record = await store.get(THREAD, "message", id, fresh=True)
            return record is not None and record.version == version

        assert all(await asyncio.gather(*(write_and_look(str(n)) for n in range(50))))

    async def test_large_and_empty_bodies(self, store: Store) -> None:
        large = bytes(range(256)) * (MAX_COMMIT_BYTES // 256)
        large += b"." * (MAX_COMMIT_BYTES - len(large))
        await write(store, put("large", body=large), put("empty", body=b""))
        for id, body in (("large", large), ("empty", b"")):
            record = await store.get(THREAD, "message", id, fresh=True)
            assert record is not None
            assert record.body == body

    async def test_as_many_operations_as_allowed(self, store: Store) -> None:
        await write(store, *(put(f"m{n}", order=n) for n in range(MAX_OPERATIONS)))
        assert len(await store.list(THREAD, "message", limit=1000)) == MAX_OPERATIONS

    async def test_ids_are_any_text(self, store: Store) -> None:
        ids = ["", " ", "/", "a/b", "%", "_", "'", '"', "\0", "a\0b", "é", "e\u0301", "日本", "🙂"]
        await write(store, *(put(id, labels=(id,)) for id in ids))
        for id in ids:
            record = await store.get(THREAD, "message", id, fresh=True)
            assert record is not None
            assert record.id == id
            labelled = await store.directory("proj_1", "message", id, limit=100)
            assert [found.id for found in labelled] == [id]
        listed = await store.list(THREAD, "message", limit=100)
        assert [found.id for found in listed] == sorted(ids)

    @pytest.mark.parametrize(
        "operations",
        [
            [put(str(n)) for n in range(MAX_OPERATIONS + 1)],
            [put("a", body=b"x" * (MAX_COMMIT_BYTES + 1))],
            [put("a", body=b"x" * MAX_COMMIT_BYTES), append(entry((1, 1)))],
            [put("a"), put("a")],
            [check("a", None), put("a")],
            [append(entry((1, 1))), drop()],
            [append()],
            [append(entry((1, 2)), entry((1, 2)))],
            [append(entry((1, 2), (1, 1)))],
            [put("a", order=-1)],
            [put("a", order=MAX_NUMBER + 1)],
            [put("a", due=MAX_NUMBER + 1)],
            [put("\ud800")],
            [put("a", labels=("\ud800",))],
        ],
        ids=[
            "too many operations",
            "too large",
            "too large together",
            "a record twice",
            "checked and put",
            "appended and dropped",
            "nothing appended",
            "an id twice",
            "a backward entry",
            "a negative order",
            "a huge order",
            "a huge due time",
            "an id that is no text",
            "a label that is no text",
        ],
    )
    async def test_an_impossible_commit_is_a_mistake(
        self, store: Store, operations: list[Operation]
    ) -> None:
        with pytest.raises(ValueError):
            await write(store, *operations)
        assert await store.list(THREAD, None, limit=1) == []


async def _everything(store: Store) -> list[object]:
    """All that the tests above could have changed."""
    labels = ("old", "kept", "new")
    return [
        await store.list(THREAD, None, limit=100),
        await store.due(MAX_NUMBER, 100),
        *[await store.directory("proj_1", "message", label, limit=100) for label in labels],
        *[await store.read(THREAD, log, LOG_START, 100) for log in ("old", "kept", "other")],
    ]
