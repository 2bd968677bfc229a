"""The runs of this core: it begins those that it accepted, and claims those that are due.

No other queue exists. A run that no core holds, or whose holder has died, is due in the store's index, and
whichever core has room claims it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeAlias

import structlog

from understudy_server.errors import Conflict, StoreError
from understudy_server.runs.claiming import attend
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.executor import Executor
from understudy_server.runs.holder import Claim
from understudy_server.runs.live import Live
from understudy_server.store.port import Record, Watch

SCAN = 2.0
"""Seconds between looks at what is due when no wake-up comes."""

PAUSE = 0.05
"""Seconds between looks at least: every commit of every holder makes something due, and so wakes."""

SCAN_LIMIT = 200
"""Due records that one look asks for ..."""

LONGEST_SCAN = 20_000
"""... and up to how many when those in front cannot be attended, for want of room say."""

CROWD = 50
"""Records that attendants put off and for which each look rests once more as long."""

HAND_OVER = 5.0
"""Seconds for the commits that hand runs over."""


Attendant: TypeAlias = Callable[[Record], Awaitable[bool]]
"""Does what a due record of some kind asks for, or begins to, and soon returns: whether anything came of it.

What takes time goes on in a task of the attendant's own. Raises ``Conflict`` when another core was quicker, and
other ``StoreError``s.
"""


class Slot:
    """Room for one run, from the question whether there is any until the run begins or is refused."""

    def __init__(self, worker: Worker, core: str | None) -> None:
        self._worker = worker
        self.core = core
        """The name under which this core takes the run; None: it has no room."""
        self._kept = core is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._let_go()

    def begin(self, claim: Claim) -> None:
        """Works on a run that this core holds by the commit that made ``claim``."""
        self._let_go()
        self._worker.begin(claim)

    def _let_go(self) -> None:
        if self._kept:
            self._kept = False
            self._worker.release()


class Worker:
    """Runs at most ``slots`` runs at a time; ``start`` and ``stop`` bracket its life.

    ``attendants``, by kind of record, are who else has something to do when a record is due.
    """

    def __init__(
        self,
        shared: Collaborators,
        live: Live,
        *,
        slots: int,
        grace: float,
        attendants: Mapping[str, Attendant] | None = None,
    ) -> None:
        self._shared = shared
        self._live = live
        self._attendants = attendants or {}
        self._slots = slots
        self._grace = grace
        self._core = f"core-{uuid.uuid4().hex[:12]}"
        self._running: dict[Claim, tuple[Executor, asyncio.Task[None]]] = {}
        self._reserved = 0
        self._none_reserved = asyncio.Event()
        self._none_reserved.set()
        self._scanning: list[asyncio.Task[None]] = []
        self._stirred = asyncio.Event()
        self._limit = SCAN_LIMIT
        self._pause = PAUSE
        self._log = structlog.get_logger().bind(component="worker", core=self._core)
        self._draining = False
        self._handing_over = False

    def slot(self) -> Slot:
        """Reserves room until the context ends, so that requests at one moment never share a slot."""
        if self._draining or not self._scanning or self._is_full():
            return Slot(self, None)
        self._reserved += 1
        self._none_reserved.clear()
        return Slot(self, self._core)

    def release(self) -> None:
        """A slot's own word: its reservation is over."""
        self._reserved -= 1
        if not self._reserved:
            self._none_reserved.set()

    def begin(self, claim: Claim) -> None:
        """Works on a run that this core holds by the commit that made ``claim``."""
        executor = Executor(self._shared, claim, self._live.open(claim.run_id))
        self._running[claim] = (executor, asyncio.create_task(self._work(claim, executor)))
        if self._handing_over:
            executor.drain()

    def start(self) -> None:
        self._scanning = [asyncio.create_task(self._scan())]

    async def stop(self) -> None:
        """Finishes what fits the grace period, and hands the rest over."""
        self._draining = True
        self._stirred.set()
        # A run that is about to begin would else be held, until its lease ends, by a core that is gone.
        begun = asyncio.create_task(self._have_begun())
        await self._wait_done([*self._scanning, begun], HAND_OVER)
        for task in (*self._scanning, begun):
            task.cancel()
        await self._wait_done(self._tasks(), self._grace)
        self._handing_over = True
        for executor, _ in self._running.values():
            executor.drain()
        await self._wait_done(self._tasks(), HAND_OVER)
        for task in self._tasks():
            task.cancel()
        await asyncio.gather(*self._tasks(), *self._scanning, begun, return_exceptions=True)

    async def _have_begun(self) -> None:
        """Returns when no room is reserved: what was to begin has begun, or been refused."""
        await self._none_reserved.wait()

    async def _work(self, claim: Claim, executor: Executor) -> None:
        try:
            await executor.run()
        except Exception:  # noqa: BLE001  # a bug; its lease ends, and the budget of takeovers bounds it
            self._log.exception("run_abandoned", run_id=claim.run_id)
        finally:
            if self._is_full():
                self._stirred.set()
            del self._running[claim]
            self._live.close(claim.run_id, executor.feed)

    def _is_full(self) -> bool:
        return len(self._running) + self._reserved >= self._slots

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [task for _, task in self._running.values()]

    async def _wait_done(self, tasks: list[asyncio.Task[None]], seconds: float) -> None:
        if not tasks:
            return
        timer = asyncio.create_task(self._shared.clock.sleep(seconds))
        waited: list[asyncio.Future[Any]] = [timer, asyncio.gather(*tasks, return_exceptions=True)]
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()

    async def _scan(self) -> None:
        with self._shared.store.watch(None) as watch:
            waking = asyncio.create_task(self._wake(watch))
            try:
                while not self._draining:
                    self._stirred.clear()
                    await self._look_once()
                    await self._shared.clock.sleep(self._pause)
                    await self._stirred.wait()
            finally:
                waking.cancel()

    async def _wake(self, watch: Watch) -> None:
        """Stirs the scan when something becomes due, and slowly in any case."""
        while True:
            await watch.wait(SCAN)
            self._stirred.set()

    async def _look_once(self) -> None:
        try:
            await self._look()
        except StoreError as error:
            self._log.warning("scan_failed", error=str(error))
        except Exception:  # noqa: BLE001  # a bug must not leave every due run waiting
            self._log.exception("scan_crashed")

    async def _look(self) -> None:
        store = self._shared.store
        found = await store.due(store.now(), self._limit)
        left = put_off = 0
        for record in found:
            if self._draining:
                return
            if not await self._attend(record):
                left += 1
                put_off += record.kind in self._attendants
        # Thousands of files may wait; their attendant finds the next one itself, and reading all of them costs.
        self._pause = min(SCAN, PAUSE * (1 + put_off / CROWD))
        # What cannot be attended stays in front; the next look must reach past it.
        self._limit = min(max(SCAN_LIMIT, 2 * left), LONGEST_SCAN)
        if len(found) > left:
            self._stirred.set()

    async def _attend(self, record: Record) -> bool:
        """Whether something came of it. A record that fails must not keep those behind it waiting."""
        attendant = self._attendants.get(record.kind)
        try:
            if attendant is not None:
                return await attendant(record)
            with self.slot() as slot:
                attended = await attend(self._shared, record, slot.core)
                if attended.claim is not None:
                    claim = attended.claim
                    self._log.info("run_claimed", run_id=claim.run_id, attempt=claim.attempt)
                    slot.begin(claim)
        except Conflict:
            # Another core was quicker.
            return True
        except StoreError:
            raise
        except Exception:  # noqa: BLE001  # as above
            self._log.exception("attending_failed", kind=record.kind, id=record.id)
            return False
        return attended.changed
