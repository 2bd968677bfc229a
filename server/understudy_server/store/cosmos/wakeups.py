"""Wake-ups between cores, by polling: Cosmos DB pushes nothing.

Each core has one small item in the partition ``signals``, with the last changes that it made, numbered; a commit
changes it at most every ``WINDOW`` seconds, together with those that came meanwhile. Each core reads all of these
items with one query, often while others change something, else seldom. A core that is alone writes nothing but a
sign of life.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog
from azure.cosmos.aio import ContainerProxy

from understudy_server.clock import SECOND, Clock
from understudy_server.errors import StoreError
from understudy_server.store.cosmos import names
from understudy_server.store.cosmos.items import Item
from understudy_server.store.cosmos.reads import query
from understudy_server.store.cosmos.sending import one_read
from understudy_server.store.cosmos.time import StoreTime
from understudy_server.store.ending import end
from understudy_server.store.port import Commit, Partition
from understudy_server.store.watches import LocalWatch, Watches, makes_due

PARTITION_KEY = "signals"
"""No partition of a project has this key: theirs have a colon."""

WINDOW = 0.05
"""Seconds between two signals of one core."""

FASTEST, SLOWEST, GROWTH = 0.05, 0.5, 1.3
"""Seconds between two polls, and by how much each that finds nothing makes the next pause longer."""

LIFE = 30.0
"""Seconds between signs of life; a core that has given none for three times as long is gone."""

KEPT = 64
"""Changes that a signal tells. Who has missed one takes everything for changed."""

EXPIRY = 86_400
"""Seconds after which Cosmos DB removes the item of a core that ended without saying so."""

CORES = 1_000


class WakeUps:
    """From ``start`` to ``stop``; watches may be taken all the time."""

    def __init__(self, container: ContainerProxy, clock: Clock, time: StoreTime) -> None:
        self._container = container
        self._clock = clock
        self._time = time
        # By the hash of a partition: that is all that signals tell. A wake-up too much harms nobody.
        self._watches = Watches(clock)
        self._core = f"s.{secrets.token_hex(8)}"
        self._made = 0
        self._changes: deque[str] = deque(maxlen=KEPT)
        self._changed = asyncio.Event()
        self._heard: dict[str, int] = {}
        """By core: the number of its changes that are known."""
        self._tasks: list[asyncio.Task[None]] = []
        self._log = structlog.get_logger().bind(component="store")

    def watch(self, partition: Partition | None) -> LocalWatch:
        return self._watches.watch(None if partition is None else _hashed(partition))

    async def start(self) -> None:
        """Return when what later commits change will be heard. Raises ``StoreUnavailable``."""
        await self._signal()
        for item in await self._read():
            self._heard[item["id"]] = item["made"]
        self._tasks = [asyncio.create_task(self._speak()), asyncio.create_task(self._listen())]

    async def stop(self) -> None:
        if self._tasks:
            await end(*self._tasks)
            try:
                async with one_read(self._clock):
                    await self._container.delete_item(self._core, PARTITION_KEY)
            except StoreError as error:
                self._log.info("signal_not_removed", error=str(error))
        self._watches.wake_all()

    def announce(self, commit: Commit) -> None:
        """To whoever watches here, and soon to the other cores."""
        hashed, due = _hashed(commit.partition), makes_due(commit, self._time.now())
        self._wake(hashed, due=due)
        self._made += 1
        self._changes.append(hashed.name + ("!" if due else ""))
        if len(self._heard) > 1:
            self._changed.set()

    def wake_all(self) -> None:
        self._watches.wake_all()

    def _wake(self, hashed: Partition, *, due: bool) -> bool:
        """Whether anybody was there."""
        self._watches.wake(hashed)
        if due:
            self._watches.wake(None)
        return self._watches.is_watched(hashed) or (due and self._watches.is_watched(None))

    async def _speak(self) -> None:
        while True:
            await self._change_or_silence()
            self._changed.clear()
            try:
                await self._signal()
            except StoreError as error:
                self._log.warning("signal_not_sent", error=str(error))
            await self._clock.sleep(WINDOW)

    async def _change_or_silence(self) -> None:
        """Return when there is something to tell, or it is time to show that this core lives."""
        change = asyncio.ensure_future(self._changed.wait())
        silence = asyncio.ensure_future(self._clock.sleep(LIFE))
        try:
            await asyncio.wait({change, silence}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            change.cancel()
            silence.cancel()

    async def _signal(self) -> None:
        item = {
            "id": self._core,
            "pk": PARTITION_KEY,
            "made": self._made,
            "changes": list(self._changes),
            "ttl": EXPIRY,
        }
        async with one_read(self._clock):
            await self._container.upsert_item(item)

    async def _listen(self) -> None:
        pause = FASTEST
        while True:
            await self._clock.sleep(pause)
            try:
                found = self._hear(await self._read())
            except StoreError as error:
                self._log.warning("signals_not_read", error=str(error))
                found = False
            pause = FASTEST if found else min(pause * GROWTH, SLOWEST)

    async def _read(self) -> Sequence[Item]:
        """The signals of all cores that live, our own among them."""
        async with one_read(self._clock):
            found = await query(self._container, "SELECT * FROM c", {}, CORES, PARTITION_KEY)
        oldest = self._time.now() / SECOND - 3 * LIFE
        return [item for item in found if "made" in item and item["_ts"] >= oldest]

    def _hear(self, signals: Iterable[Item]) -> bool:
        """Wake up whoever is concerned; whether there was news for anybody here."""
        heard: dict[str, int] = {}
        news = False
        for item in signals:
            core, made = item["id"], item["made"]
            heard[core] = made
            if core == self._core:
                continue
            fresh = new_changes(self._heard.get(core), item)
            if fresh is None:
                self._watches.wake_all()
                news = True
            else:
                for change in fresh:
                    hashed = Partition("", change.rstrip("!"))
                    news = self._wake(hashed, due=change.endswith("!")) or news
        if heard.keys() - self._heard.keys():
            # A core that has just come was not told what happened meanwhile.
            self._changed.set()
        self._heard = heard
        return news


def new_changes(known: int | None, signal: Mapping[str, Any]) -> Sequence[str] | None:
    """Pure. What a core has changed since its change number ``known``; None: more than its signal tells."""
    made: int = signal["made"]
    changes: Sequence[str] = signal["changes"]
    missing = made - (known if known is not None else made)
    if missing > len(changes) or (known is None and made):
        return None
    return changes[len(changes) - missing :]


def _hashed(partition: Partition) -> Partition:
    key = names.partition_key(partition).encode()
    return Partition("", hashlib.blake2b(key, digest_size=6).hexdigest())
