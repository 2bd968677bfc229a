"""Works on one run that this core holds: model calls, their events, and the run's end.

The shape of it: ``work`` makes rounds until the run ends, waits for action, or must stop; each round is one
model call, whose events ``Turn`` turns into actions. Everything durable goes through the ``Holder``.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from understudy.v1 import run_pb2, usage_pb2
from understudy_server.clock import SECOND
from understudy_server.errors import DomainError, StoreError
from understudy_server.models.port import ModelError, ModelEvent
from understudy_server.runs import ending, machine
from understudy_server.runs import events as ev
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.holder import CancelRequested, Change, Claim, Holder, Lost
from understudy_server.runs.inbox import Failed, Inbox, Item, ModelSaid, Returned, Tick, Woken
from understudy_server.runs.keeper import Keeper
from understudy_server.runs.live import Feed
from understudy_server.runs.tool_calls import ToolCalls
from understudy_server.runs.turn import usage_of
from understudy_server.runs.turn_writer import TurnWriter
from understudy_server.store import tables
from understudy_server.store.v1.records_pb2 import RunState


class Expired(Exception):
    """The run's time is over."""


class Draining(Exception):
    """This core is going away; another one goes on."""


class Executor:
    """One run, from a claim to its end. ``run`` returns when this core is done with it."""

    def __init__(self, collaborators: Collaborators, claim: Claim, feed: Feed) -> None:
        self._with = collaborators
        self._claim = claim
        self.feed = feed
        self._spec = run_pb2.Run()
        self._budget = ""
        self._holder = Holder(
            store=collaborators.store,
            clock=collaborators.clock,
            claim=claim,
            feed=feed,
            lease=collaborators.lease,
        )
        self._inbox = Inbox(collaborators.clock)
        self._keeper = Keeper(self._holder, collaborators.clock)
        self._draining = False
        self._log = structlog.get_logger().bind(run_id=claim.run_id, attempt=claim.attempt)

    def drain(self) -> None:
        """Asks the run to be handed over at the next safe moment."""
        self._draining = True
        self._inbox.put(Tick())

    async def run(self) -> None:
        try:
            await self._holder.load()
            spec = await tables.specs.get(
                self._with.store, self._claim.partition, self._claim.run_id, fresh=True
            )
            if spec is None:
                raise Lost
            self._spec, self._budget = spec.body.run, spec.body.budget
            async with self._inbox as inbox:
                inbox.start(lambda: inbox.pump_ticks(self._until_due))
                inbox.start(self._keeper.run_looks)
                inbox.start(self._keeper.run_writes)
                with self._with.store.watch(self._claim.partition) as watch:
                    inbox.start(lambda: inbox.pump_wakes(watch))
                    await self._work()
        except Lost:
            self._log.info("run_lost")
        except StoreError as error:
            # The lease ends by itself, and whoever is left goes on.
            self._log.warning("run_left", error=str(error))
        finally:
            self._with.slots.ended(self._budget, self._claim.run_id)

    async def _work(self) -> None:
        try:
            end = await self._rounds_or_end()
            if end is not None:
                await self._end(end)
        except Draining:
            await self._hand_over()
        except StoreError as error:
            # Something could not be read. That is no death: it must not use up the run's budget of them.
            self._log.warning("run_handed_over", error=str(error))
            await self._hand_over()

    async def _rounds_or_end(self) -> machine.Input | None:
        """None when the run has ended or waits; else why it must end now."""
        try:
            await self._rounds()
        except CancelRequested:
            return machine.Cancel()
        except Expired:
            return machine.Expire()
        except ModelError as error:
            self._log.warning("run_failed", code=error.code, error=error.message)
            return machine.Fail(error=ending.run_error(error))
        except (Lost, Draining, StoreError):
            raise
        except DomainError as error:
            return machine.Fail(error=ending.server_error(error.message))
        except Exception:  # noqa: BLE001  # it is logged, and the run gets its end
            # A bug must not leave a run without an end.
            self._log.exception("run_crashed")
            return machine.Fail(error=ending.server_error(ending.SORRY))
        return None

    async def _hand_over(self) -> None:
        await self._holder.commit(
            lambda _state, _order: Change(then="hand over"), despite_cancel=True
        )

    async def _end(self, input: machine.Input, usage: usage_pb2.Usage | None = None) -> None:
        """Ends the run early; somebody's cancel still beats ``input``."""
        left = await ending.remains(
            self._with.store, self._claim.partition, self._claim.run_id, tuple(self._holder.shown)
        )

        def decide(state: RunState, order: int) -> Change:
            now = self._seconds()
            closing = ending.close(
                left, self._claim.run_id, input, now=now, order=order, usage=usage
            )
            after, events = ending.finish(state, closing, input, now=now)
            return Change(events=events, operations=closing.operations, state=after, then="unlock")

        try:
            cancels = isinstance(input, machine.Cancel)
            await self._holder.commit(decide, despite_cancel=cancels)
        except CancelRequested:
            await self._end(machine.Cancel(), usage)

    async def _rounds(self) -> None:
        if self._holder.state.cancel_requested:
            raise CancelRequested
        self._check_due()
        await self._holder.commit(self._started)
        unanswered = await self._calls().unfinished()
        if unanswered is not None and await self._calls().answer(unanswered):
            return
        while not await self._round():
            pass

    def _calls(self) -> ToolCalls:
        return ToolCalls(
            self._with, self._claim, self._spec, self._holder, self._inbox, self._handle
        )

    def _started(self, state: RunState, _order: int) -> Change:
        after = _copy(state)
        after.run.CopyFrom(machine.apply(state.run, machine.Start(), now=self._seconds()))
        return Change(events=[ev.run_changed(after.run)], state=after)

    async def _round(self) -> bool:
        """One model call; True when the run has ended or waits."""
        run = ev.join(self._spec, self._holder.state.run)
        request = await self._with.history.request(self._claim, run)
        if isinstance(request, machine.Stop):
            await self._end(request)
            return True
        resolved = self._with.models.resolve(self._spec.model)
        writer = TurnWriter(self._with, self._claim, self._spec, self._holder, resolved)
        if self._with.keep_model_requests:
            request = replace(request, show_sent=True)
        said = self._with.models.stream(resolved, request)
        pump = self._inbox.start(lambda: self._inbox.pump_model(said))
        try:
            while not writer.turn.is_over():
                for item in await self._inbox.take():
                    if isinstance(item, ModelSaid):
                        await self._hear(item.event, writer)
                    else:
                        await self._handle(item)
                    if writer.turn.is_over():
                        # What came later in the same moment can no longer change the turn.
                        break
                self._keeper.stir()
        finally:
            # Waiting for it is what closes the connection to the model before anything else happens.
            pump.cancel()
            await asyncio.wait([pump])
        return await self._after(writer)

    async def _after(self, writer: TurnWriter) -> bool:
        finished = writer.turn.finished
        assert finished is not None
        usage = usage_of(finished)
        if finished.reason == "length":
            reason = run_pb2.RUN_INCOMPLETE_REASON_MAX_COMPLETION_TOKENS
            await self._end(machine.Stop(reason=reason), usage)
        elif finished.reason == "content_filter":
            await self._end(machine.Stop(reason=None), usage)
        elif self._calls().serves(writer.turn.calls):
            return await self._calls().answer(await writer.keep_calls(usage))
        elif writer.turn.calls:
            await writer.ask(usage)
        else:
            await writer.complete(usage)
        return True

    async def _hear(self, event: ModelEvent, writer: TurnWriter) -> None:
        await writer.take(event)
        if self._holder.crowded:
            await self._holder.flush()

    async def _handle(self, item: Item) -> None:
        """What may come at any time, whatever the run waits for."""
        match item:
            case Tick():
                self._check_due()
                self._keeper.stir()
            case Woken():
                self._keeper.look()
            case Failed(error=error):
                raise error
            case ModelSaid() | Returned():
                raise AssertionError("its task has ended before the wait for it did")

    def _check_due(self) -> None:
        if self._draining:
            raise Draining
        if self._seconds() >= self._holder.state.run.expires_at:
            raise Expired

    def _until_due(self) -> float:
        """Seconds until the lease is to be renewed or the run expires."""
        expiry = self._holder.state.run.expires_at * SECOND - self._with.store.now()
        return min(self._holder.beat_in, expiry / SECOND)

    def _seconds(self) -> int:
        return self._with.store.now() // SECOND


def _copy(state: RunState) -> RunState:
    after = RunState()
    after.CopyFrom(state)
    return after
