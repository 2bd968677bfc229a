"""A whole copy: the marker, every partition, every log, then the proof."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

from understudy_server.clock import Clock
from understudy_server.errors import Conflict, StoreError
from understudy_server.store.commits import commit_new
from understudy_server.store.copying import comparing, decisions, marker, transferring
from understudy_server.store.copying.comparing import Copyable
from understudy_server.store.copying.outcome import CopyFailed, CopyRefused, Counts
from understudy_server.store.port import (
    MAX_NUMBER,
    Delete,
    DropLog,
    Log,
    Partition,
    Portion,
    Version,
)

T = TypeVar("T", Partition, Log)
R = TypeVar("R")

PORTION = 200
"""Partitions or logs that are looked up at a time ..."""
AT_ONCE = 8
"""... and those of them that are worked on at the same time."""

PATIENCE = 30.0
"""Seconds for which one partition is tried again while a store fails."""
_PAUSE = 0.5
_NOTE = 1.0
"""Seconds between notes of the progress in the target; each also asks whether the marker is still ours."""

_SHOWN = 10
"""Differences that are told."""
_LOOKED_AT = 1_000
"""Due records among which a held thread is looked for before anything is written."""

Report: TypeAlias = Callable[[str, Counts], None]
"""Called often, with what is being done and what came of it so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    counts: Counts
    """What both sides hold, as the verification saw it."""
    written: int
    """Records and entries that this start wrote."""
    resumed: bool


class Copier:
    """One copy. The stores are closed by their owner."""

    def __init__(
        self,
        source: Copyable,
        target: Copyable,
        *,
        origin: str,
        clock: Clock,
        report: Report,
        force: bool = False,
    ) -> None:
        """``origin``: the ``identity`` of the source; ``force``: although servers may be at work on it."""
        self._source = source
        self._target = target
        self._origin = origin
        self._clock = clock
        self._report = report
        self._force = force
        self._resumed = False
        self._began = 0
        self._version: Version | None = None
        self._noted = clock.monotonic()

    async def run(self) -> Copied:
        """Copy, verify, and open the target for servers.

        Raises ``CopyRefused``, ``CopyFailed`` or ``StoreError``; after the last two the same copy may
        be started again, and writes only what is missing.
        """
        await self._patiently(self._refuse_unfit_source)
        await self._patiently(self._mark)
        copied = Counts()
        await self._each("copied", copied, self._source.partitions, self._transfer_partition)
        await self._each("copied", copied, self._source.logs, self._transfer_log)
        if self._resumed:
            await self._remove_surplus()
        counts = await self._verify()
        await self._unmark()
        return Copied(counts=counts, written=copied.written, resumed=self._resumed)

    async def _refuse_unfit_source(self) -> None:
        found = await marker.find(self._source)
        if found is not None:
            origin = marker.parse(found).origin
            raise CopyRefused(f"the source is itself an unfinished copy of {origin}")
        if await comparing.is_empty(self._source):
            raise CopyRefused("the source is empty: there is nothing to copy")
        if self._force:
            return
        for record in await self._source.due(MAX_NUMBER, _LOOKED_AT):
            if words := decisions.held(record, self._source.now()):
                raise CopyRefused(f"{words}, or copy in spite of that with --force")

    async def _mark(self) -> None:
        found = await marker.find(self._target)
        if found is not None:
            known = marker.parse(found)
            if known.origin != self._origin:
                raise CopyRefused(
                    f"the target holds an unfinished copy of another store ({known.origin}): finish that, "
                    "or give an empty target"
                )
            self._resumed, self._began, self._version = True, known.began, found.version
            # If the start before is still at work after all, this ends it.
            await self._note(known.progress)
            return
        if not await comparing.is_empty(self._target):
            raise CopyRefused(
                "the target is not empty: give one in which nothing is stored (what a server that was started "
                "on it once has stored counts, and so does an earlier copy that was finished)"
            )
        self._began = self._target.now()
        await self._note("")
        if await marker.find(self._source) is not None:
            await self._unmark()
            raise CopyRefused("source and target are the same store")

    async def _note(self, progress: str) -> None:
        noted = marker.Marker(origin=self._origin, began=self._began, progress=progress)
        try:
            (self._version,) = await commit_new(
                self._target, marker.PARTITION, [noted.put(self._version)], self._clock
            )
        except Conflict as error:
            raise CopyFailed("another copy is at work on the same target") from error
        self._noted = self._clock.monotonic()

    async def _unmark(self) -> None:
        assert self._version is not None
        gone = Delete(kind=marker.KIND, id=marker.ID, expected=self._version)
        try:
            await commit_new(self._target, marker.PARTITION, [gone], self._clock)
        except Conflict as error:
            # Its own deletion, of which the answer was lost, looks like another's.
            if await marker.find(self._target) is not None:
                raise CopyFailed("another copy is at work on the same target") from error

    async def _transfer_partition(self, partition: Partition) -> Counts:
        return await transferring.transfer_partition(
            self._source, self._target, partition, force=self._force
        )

    async def _transfer_log(self, log: Log) -> Counts:
        return await transferring.transfer_log(self._source, self._target, log)

    async def _remove_surplus(self) -> None:
        """What an earlier start copied, and the source has no longer."""

        async def partition(place: Partition) -> Counts:
            if not await comparing.holds(self._source, place):
                await self._transfer_partition(place)
            return Counts(partitions=1)

        async def log(place: Log) -> Counts:
            if not await comparing.holds(self._source, place):
                drop = [DropLog(log=place.name)]
                await commit_new(self._target, place.partition, drop, self._clock)
            return Counts(logs=1)

        looked = Counts()
        await self._each("looked for leftovers in", looked, self._target.partitions, partition)
        await self._each("looked for leftovers in", looked, self._target.logs, log)

    async def _verify(self) -> Counts:
        source, target = self._source, self._target
        differences: list[str] = []

        async def partition(place: Partition) -> Counts:
            found: list[str] = []
            counts = await comparing.compare_partition(source, target, place, found)
            differences.extend(found)
            return counts

        async def log(place: Log) -> Counts:
            found: list[str] = []
            counts = await comparing.compare_log(source, target, place, found)
            differences.extend(found)
            return counts

        async def surplus(place: Partition | Log) -> Counts:
            if not await comparing.holds(source, place):
                differences.append(f"{_shown(place)} is too much")
            return Counts(logs=1) if isinstance(place, Log) else Counts(partitions=1)

        counts = Counts()
        await self._each("verified", counts, source.partitions, partition)
        await self._each("verified", counts, source.logs, log)
        found = Counts()
        await self._each("found again", found, target.partitions, surplus)
        await self._each("found again", found, target.logs, surplus)
        if differences:
            shown = [*differences[:_SHOWN], *(["..."] if len(differences) > _SHOWN else [])]
            raise CopyFailed(
                f"{len(differences)} differences; did a server write meanwhile? Stop all servers and give the same "
                "command again, which puts them right:\n  " + "\n  ".join(shown)
            )
        return counts

    async def _each(
        self,
        doing: str,
        counts: Counts,
        ask: Callable[[str, int], Awaitable[Portion[T]]],
        work: Callable[[T], Awaitable[Counts]],
    ) -> None:
        """Adds up what ``work`` counts for everything that ``ask`` gives; neighbours at the same time."""

        async def one(place: T) -> None:
            counts.add(await self._patiently(partial(work, place)))
            self._report(doing, counts)

        async for places in self._portions(ask):
            await _at_once(one, places)
            if self._clock.monotonic() - self._noted >= _NOTE:
                await self._note(f"{doing} {counts}")

    async def _portions(
        self, ask: Callable[[str, int], Awaitable[Portion[T]]]
    ) -> AsyncIterator[list[T]]:
        cursor = ""
        while True:
            portion = await self._patiently(partial(ask, cursor, PORTION))
            yield [place for place in dict.fromkeys(portion.found) if not _is_marker(place)]
            cursor = portion.cursor
            if not cursor:
                return

    async def _patiently(self, work: Callable[[], Awaitable[R]]) -> R:
        """Tries again while a store fails: whatever had been done, it looks before it writes."""
        end = self._clock.monotonic() + PATIENCE
        while True:
            try:
                return await work()
            except StoreError:
                if self._clock.monotonic() >= end:
                    raise
            await self._clock.sleep(_PAUSE)


async def _at_once(work: Callable[[T], Awaitable[None]], places: Iterable[T]) -> None:
    """The first failure ends all of them."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(place: T) -> None:
        async with limit:
            await work(place)

    tasks = [asyncio.ensure_future(one(place)) for place in places]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_marker(place: Partition | Log) -> bool:
    return place == marker.PARTITION


def _shown(place: Partition | Log) -> str:
    if isinstance(place, Log):
        return f"log {place.name} of {place.partition.name}"
    return f"{place.name} (project {place.project!r})"
