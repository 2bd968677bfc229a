"""A copy ends whole or can be continued, whatever happens to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random

import pytest

from tests.clock import FakeClock
from tests.conformance.samples import THREAD, append, delete, drop, entry, put, write, write_one
from tests.store.copying.content import converse, fill, snapshot
from tests.store.copying.failing import (
    ForgetfulStore,
    MortalStore,
    RepeatingStore,
    ScannedStore,
    unavailable,
)
from understudy_server.errors import StoreUnavailable
from understudy_server.store.copying import marker
from understudy_server.store.copying.comparing import Copyable
from understudy_server.store.copying.copier import Copied, Copier
from understudy_server.store.copying.outcome import CopyFailed, CopyRefused, Counts
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Commit, Partition, Portion, Stored, Version
from understudy_server.store.tables import HEAD_ID
from understudy_server.store.v1.records_pb2 import Head


class Scene:
    """Two stores and a clock."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.source = MemoryStore(self.clock)
        self.target = MemoryStore(self.clock)
        self.told: list[tuple[str, Counts]] = []

    def copier(
        self,
        source: Copyable | None = None,
        target: Copyable | None = None,
        *,
        origin: str = "old",
        force: bool = False,
    ) -> Copier:
        return Copier(
            source or self.source,
            target or self.target,
            origin=origin,
            clock=self.clock,
            report=lambda doing, counts: self.told.append((doing, counts)),
            force=force,
        )

    async def copy(
        self, source: Copyable | None = None, target: Copyable | None = None, *, force: bool = False
    ) -> Copied:
        return await self.clock.run_until(self.copier(source, target, force=force).run())

    async def is_done(self) -> None:
        assert await snapshot(self.target) == await snapshot(self.source)
        await marker.refuse_half_copy(self.target)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_everything_arrives(scene: Scene) -> None:
    await scene.clock.run_until(converse(scene.source, scene.clock))
    copied = await scene.copy()
    await scene.is_done()
    partitions, logs = len(await _partitions(scene.source)), 2
    counts = copied.counts
    assert (counts.partitions, counts.logs) == (partitions, logs)
    assert copied.written == counts.records + counts.entries
    assert not copied.resumed
    assert [doing for doing, _ in scene.told].index("verified") == partitions + logs


@pytest.mark.parametrize("seed", range(3))
async def test_any_content_arrives(scene: Scene, seed: int) -> None:
    await fill(scene.source, Random(seed))
    await scene.copy(RepeatingStore(scene.source), RepeatingStore(scene.target))
    await scene.is_done()


@pytest.mark.parametrize("seed", range(25))
async def test_a_copy_that_was_killed_goes_on(scene: Scene, seed: int) -> None:
    random = Random(seed)
    await fill(scene.source, random, partitions=12)
    whole = MortalStore(MemoryStore(scene.clock), 0, unavailable)
    await scene.copy(target=whole)
    written = 0
    for _ in range(random.randrange(1, 6)):
        if not await _killed(scene, random.randrange(1, whole.calls)):
            break
        written = await _size(scene.target)
        if await marker.find(scene.target) is not None:
            with pytest.raises(StoreUnavailable, match="unfinished copy of old"):
                await marker.refuse_half_copy(scene.target)
        elif written:
            # It had ended, and was about to say so.
            break
    else:
        copied = await scene.copy()
        assert copied.written <= await _size(scene.source) - max(0, written - 1)
    await scene.is_done()


async def _killed(scene: Scene, at: int) -> bool:
    """Whether the copy was ended before its end, at that call of the target."""

    def die() -> None:
        copying.cancel()

    target = MortalStore(scene.target, at, die)
    copying = asyncio.ensure_future(scene.copier(target=target).run())
    await asyncio.wait({copying})
    if not copying.cancelled():
        copying.result()
    return copying.cancelled()


async def test_what_is_there_is_not_written_again(scene: Scene) -> None:
    await fill(scene.source, Random(1))
    total = await _size(scene.source)
    whole = MortalStore(MemoryStore(scene.clock), 0, unavailable)
    await scene.copy(target=whole)
    target = MortalStore(scene.target, whole.calls // 4, unavailable, until=1_000_000)
    with pytest.raises(StoreUnavailable):
        await scene.copy(target=target)
    there = await _size(scene.target) - 1  # the marker
    assert 0 < there < total
    copied = await scene.copy()
    assert copied.resumed
    assert copied.written == total - there
    assert copied.counts.records + copied.counts.entries == total
    await scene.is_done()


@pytest.mark.parametrize("which", ["source", "target"])
@pytest.mark.parametrize("at", [3, 60, 200])
async def test_a_short_failure_is_waited_out(scene: Scene, which: str, at: int) -> None:
    await fill(scene.source, Random(2), partitions=10)
    source: Copyable = scene.source
    target: Copyable = scene.target
    if which == "source":
        source = MortalStore(source, at, unavailable, until=at + 30)
    else:
        target = MortalStore(target, at, unavailable, until=at + 30)
    await scene.copy(source, target)
    await scene.is_done()


async def test_answers_that_are_lost_change_nothing(scene: Scene) -> None:
    await fill(scene.source, Random(3))
    await scene.copy(target=ForgetfulStore(scene.target, 3))
    await scene.is_done()


async def test_a_source_that_changed_between_two_starts(scene: Scene) -> None:
    version = await write_one(scene.source, put("a", body=b"old", labels=("one",)))
    gone = await write_one(scene.source, put("b"))
    await write(scene.source, append(entry((1, 1)), entry((1, 2))))
    await write(scene.source, append(entry((1, 1)), log="run_2"))
    await write(scene.source, append(entry((1, 1)), log="run_3"))
    elsewhere = THREAD._replace(name="thread/2")
    other = await write_one(scene.source, put("c"), elsewhere)
    # It dies when everything is copied and nothing is verified.
    target = MortalStore(scene.target, 0, lambda: None)
    await scene.copy(target=target)
    scene.target = MemoryStore(scene.clock)
    target = MortalStore(scene.target, target.calls - 9, unavailable, until=1_000_000)
    with pytest.raises(StoreUnavailable):
        await scene.copy(target=target)
    await write(scene.source, put("a", version, body=b"new"), delete("b", gone), put("d"))
    await write(scene.source, delete("c", other), partition=elsewhere)
    await write(scene.source, drop(), drop("run_2"), append(entry((1, 2)), log="run_3"))
    await write(scene.source, append(entry((2, 1))))
    copied = await scene.copy()
    assert copied.resumed
    await scene.is_done()


class _Meddling(ScannedStore):
    """A source that lets something happen when verification begins to read it."""

    def __init__(self, inner: Copyable, meddle: Callable[[], Awaitable[None]]) -> None:
        super().__init__(inner)
        self._meddle = meddle
        self._begun = 0

    async def partitions(self, cursor: str, limit: int) -> Portion[Partition]:
        self._begun += not cursor
        # First it is asked whether it is empty, then it is copied.
        if self._begun == 3:
            await self._meddle()
        return await super().partitions(cursor, limit)


async def _spoil_body(store: Copyable) -> None:
    record = await store.get(THREAD, "message", "a")
    assert record is not None
    await write(store, put("a", record.version, body=b"spoilt", labels=("one",)))


async def _spoil_labels(store: Copyable) -> None:
    record = await store.get(THREAD, "message", "a")
    assert record is not None
    await write(store, put("a", record.version))


async def _remove(store: Copyable) -> None:
    record = await store.get(THREAD, "message", "a")
    assert record is not None
    await write(store, delete("a", record.version))


async def _add(store: Copyable) -> None:
    await write(store, put("z"))


async def _add_partition(store: Copyable) -> None:
    await write(store, put("z"), partition=THREAD._replace(project="other"))


async def _lengthen_log(store: Copyable) -> None:
    await write(store, append(entry((9, 9))))


async def _drop_log(store: Copyable) -> None:
    await write(store, drop())


async def _add_log(store: Copyable) -> None:
    await write(store, append(entry((9, 9)), log="other"))


@pytest.mark.parametrize(
    ("meddle", "words"),
    [
        (_spoil_body, "message a of thread/thread_1 .* differs"),
        (_spoil_labels, "message a of thread/thread_1 .* differs"),
        (_remove, "message a of thread/thread_1 .* is missing"),
        (_add, "message z of thread/thread_1 .* is too much"),
        (_add_partition, r"thread/thread_1 \(project 'other'\) is too much"),
        (_lengthen_log, "log run_1 of thread/thread_1 differs after event 1-1"),
        (_drop_log, "log run_1 of thread/thread_1 differs after event 0-0"),
        (_add_log, "log other of thread/thread_1 is too much"),
    ],
)
async def test_verification_finds(
    scene: Scene, meddle: Callable[[Copyable], Awaitable[None]], words: str
) -> None:
    await write(scene.source, put("a", labels=("one",)), put("b"), append(entry((1, 1))))
    source = _Meddling(scene.source, partial(meddle, scene.target))
    with pytest.raises(CopyFailed, match=f"1 differences(.|\n)*{words}"):
        await scene.copy(source)
    with pytest.raises(StoreUnavailable):
        await marker.refuse_half_copy(scene.target)
    await scene.copy()
    await scene.is_done()


async def _refused(scene: Scene, words: str, **options: object) -> None:
    before = await snapshot(scene.target)
    with pytest.raises(CopyRefused, match=words):
        await scene.copy(**options)  # type: ignore[arg-type]
    assert await snapshot(scene.target) == before


async def test_an_empty_source_is_refused(scene: Scene) -> None:
    await _refused(scene, "the source is empty")


async def test_a_target_with_something_in_it_is_refused(scene: Scene) -> None:
    await write(scene.source, put("a"))
    await write(scene.target, put("b"), partition=THREAD._replace(project=""))
    await _refused(scene, "the target is not empty")


async def test_a_target_with_a_log_only_is_refused(scene: Scene) -> None:
    await write(scene.source, put("a"))
    await write(scene.target, append(entry((1, 1))))
    await _refused(scene, "the target is not empty")


async def test_a_finished_copy_is_a_store_like_any_other(scene: Scene) -> None:
    await write(scene.source, put("a"))
    await scene.copy()
    await _refused(scene, "the target is not empty")


async def test_one_store_is_not_copied_to_itself(scene: Scene) -> None:
    await write(scene.source, put("a"))
    await _refused(scene, "the target is not empty", target=scene.source)


async def test_an_unfinished_copy_of_another_store_is_refused(scene: Scene) -> None:
    await write(scene.source, put("a"))
    target = MortalStore(scene.target, 8, unavailable, until=1_000_000)
    with pytest.raises(StoreUnavailable):
        await scene.copy(target=target)
    with pytest.raises(CopyRefused, match=r"an unfinished copy of another store \(old\)"):
        await scene.clock.run_until(scene.copier(origin="other").run())
    third = MemoryStore(scene.clock)
    with pytest.raises(CopyRefused, match="the source is itself an unfinished copy of old"):
        await scene.copy(source=scene.target, target=third)
    await scene.copy()
    await scene.is_done()


async def test_of_two_copies_to_one_target_one_ends(scene: Scene) -> None:
    await fill(scene.source, Random(4), partitions=10)
    outcomes = await scene.clock.run_until(_gathered(scene.copier().run(), scene.copier().run()))
    assert any(isinstance(outcome, (CopyFailed, CopyRefused)) for outcome in outcomes), outcomes
    if not any(isinstance(outcome, Copied) for outcome in outcomes):
        await scene.copy()
    await scene.is_done()


async def _gathered(*work: object) -> list[object]:
    return await asyncio.gather(*work, return_exceptions=True)  # type: ignore[call-overload,no-any-return]


async def test_a_source_at_work_is_refused(scene: Scene) -> None:
    now = scene.clock.wall()
    head = Head(active_run="run_1", holder="core-1", lease_until=now + 5_000_000)
    due = head.lease_until
    body = head.SerializeToString()
    await write(scene.source, put(HEAD_ID, kind="head", order=0, body=body, due=due))
    await _refused(scene, "a server is at work on thread/thread_1.* in 5 s")
    await scene.copy(force=True)
    await scene.is_done()
    scene.target = MemoryStore(scene.clock)
    await scene.clock.advance(5)
    await scene.copy()
    await scene.is_done()


async def test_a_server_that_begins_to_work_is_noticed(scene: Scene) -> None:
    for number in range(3):
        await write(scene.source, put("a"), partition=THREAD._replace(name=f"thread/{number}"))

    class Busy(ScannedStore):
        async def records(self, partition: Partition, cursor: str, limit: int) -> Portion[Stored]:
            if (await self.inner.get(THREAD, "head", HEAD_ID)) is None:
                lease = scene.clock.wall() + 9_000_000
                body = Head(holder="core-1", lease_until=lease).SerializeToString()
                await write(self.inner, put(HEAD_ID, kind="head", body=body, due=lease))
            return await super().records(partition, cursor, limit)

    with pytest.raises((CopyRefused, CopyFailed), match=r"at work|too much|missing"):
        await scene.copy(source=Busy(scene.source))
    with pytest.raises(StoreUnavailable):
        await marker.refuse_half_copy(scene.target)


class _Slow(ScannedStore):
    """Takes a second for each commit, and keeps those of the marker."""

    def __init__(self, inner: Copyable, clock: FakeClock) -> None:
        super().__init__(inner)
        self._clock = clock
        self.notes: list[str] = []

    async def commit(self, commit: Commit) -> tuple[Version | None, ...]:
        await self._clock.sleep(1)
        if commit.partition == marker.PARTITION:
            self.notes.append(repr(commit.operations))
        return await super().commit(commit)


async def test_the_marker_tells_how_far_it_is(scene: Scene) -> None:
    await fill(scene.source, Random(5), partitions=5)
    target = _Slow(scene.target, scene.clock)
    await scene.copy(target=target)
    assert any("copied 5 partitions" in note for note in target.notes), target.notes
    await scene.is_done()


async def _partitions(store: Copyable) -> set[object]:
    return {place for place in await snapshot(store) if isinstance(place, type(THREAD))}


async def _size(store: Copyable) -> int:
    return sum(len(held) for held in (await snapshot(store)).values())
