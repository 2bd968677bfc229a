"""The calls of one turn that this server answers itself, and what becomes of the step afterwards.

The step with all calls is committed before the first of them runs, and each output when it returns. Whoever takes
the run over finds the step in progress: calls with an output stay, the others run again under the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from understudy.v1 import run_pb2, run_step_pb2
from understudy_server.clock import SECOND
from understudy_server.runs import ending, machine, transcript
from understudy_server.runs import events as ev
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.holder import Change, Claim, Holder, Lost
from understudy_server.runs.inbox import Inbox, Item, Returned
from understudy_server.store import tables
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import RunState, StepRecord
from understudy_server.tools.port import CallContext

MAX_STEP_BYTES = 450_000
"""Of a step with its calls and outputs: a commit carries it as a record and in an event."""

TOO_LARGE = '{"error": "The outputs of this turn are too large together; this one was left out."}'


class ToolCalls:
    """Answers calls while ``handle`` keeps the run alive: its lease, a cancel, its expiry."""

    def __init__(
        self,
        collaborators: Collaborators,
        claim: Claim,
        spec: run_pb2.Run,
        holder: Holder,
        inbox: Inbox,
        handle: Callable[[Item], Awaitable[None]],
    ) -> None:
        self._with = collaborators
        self._claim = claim
        self._spec = spec
        self._holder = holder
        self._inbox = inbox
        self._handle = handle
        self._steps = tables.steps(claim.run_id)
        # A model may name what it was not offered; that is not for this server to run.
        offered = {tool.function.name for tool in spec.tools if tool.HasField("function")}
        self._served = collaborators.functions.names() & offered

    def serves(self, calls: Sequence[run_step_pb2.ToolCall]) -> bool:
        """Whether any of the calls is answered here."""
        return any(call.function.name in self._served for call in calls)

    async def unfinished(self) -> str | None:
        """The step whose calls an earlier holder of this run left unanswered."""
        rows = await ending.read_steps(self._with.store, self._claim.partition, self._claim.run_id)
        for row in rows:
            step = row.body.step
            if step.status == run_step_pb2.RUN_STEP_STATUS_IN_PROGRESS and _calls(step):
                return row.id
        return None

    async def answer(self, step_id: str) -> bool:
        """True when the run now waits for the application, which has to answer the other calls."""
        # A commit of its own: it proves, as late as can be, that this core still holds the run.
        await self._holder.flush()
        row = await self._row(step_id)
        own = [call for call in _pending(row.body.step) if call.function.name in self._served]
        tasks = [self._inbox.start(self._runner(call)) for call in own]
        try:
            waiting = {call.id for call in own}
            while waiting:
                for item in await self._inbox.take():
                    if isinstance(item, Returned):
                        await self._keep(step_id, item)
                        waiting.discard(item.call_id)
                    else:
                        await self._handle(item)
        finally:
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
        row = await self._row(step_id)
        pending = _pending(row.body.step)
        if pending:
            await self._ask(pending)
            return True
        await self._complete(row)
        return False

    def _runner(self, call: run_step_pb2.ToolCall) -> Callable[[], Awaitable[None]]:
        context = CallContext(
            project=self._claim.partition.project,
            thread_id=self._spec.thread_id,
            run_id=self._claim.run_id,
            assistant_id=self._spec.assistant_id,
            call_id=call.id,
        )

        async def run() -> None:
            output = await self._with.functions.call(
                call.function.name, call.function.arguments, context=context
            )
            self._inbox.put(Returned(call.id, output))

        return run

    async def _keep(self, step_id: str, returned: Returned) -> None:
        """The output is durable, and shown, before anything depends on it."""
        row = await self._row(step_id)
        record = StepRecord()
        record.CopyFrom(row.body)
        calls = _calls(record.step)
        index = next(i for i, call in enumerate(calls) if call.id == returned.call_id)
        room = MAX_STEP_BYTES - record.ByteSize()
        output = returned.output if len(returned.output.encode()) <= room else TOO_LARGE
        calls[index].function.output = output
        delta = run_step_pb2.ToolCallDelta(
            index=index,
            function=run_step_pb2.FunctionCallDelta(
                output=run_step_pb2.NullableString(text=output)
            ),
        )
        change = Change(
            events=[ev.call_delta(step_id, delta)], operations=[self._steps.replace(row, record)]
        )
        await self._holder.commit(lambda _state, _order: change)

    async def _complete(self, row: Row[StepRecord]) -> None:
        record = StepRecord()
        record.CopyFrom(row.body)
        ended = transcript.end_step(record.step, transcript.STEP_COMPLETED, self._seconds())
        ended.usage.CopyFrom(record.usage)
        record.step.CopyFrom(ended)

        def decide(state: RunState, _order: int) -> Change:
            after = RunState()
            after.CopyFrom(state)
            after.rounds += 1
            return Change(
                events=[ev.step_changed(ended)],
                operations=[self._steps.replace(row, record)],
                state=after,
            )

        await self._holder.commit(decide)

    async def _ask(self, pending: Sequence[run_step_pb2.ToolCall]) -> None:
        action = required_action(pending)

        def decide(state: RunState, _order: int) -> Change:
            after = waiting(state, action, self._seconds())
            return Change(events=[ev.run_changed(after.run)], state=after, then="wait")

        await self._holder.commit(decide)

    async def _row(self, step_id: str) -> Row[StepRecord]:
        row = await self._steps.get(self._with.store, self._claim.partition, step_id, fresh=True)
        if row is None:
            # Only the purge of a deleted thread takes a step away.
            raise Lost
        return row

    def _seconds(self) -> int:
        return self._with.store.now() // SECOND


def waiting(state: RunState, action: run_pb2.RequiredAction, now: int) -> RunState:
    """The run's state when it has asked for ``action``; its model call is done."""
    after = RunState()
    after.CopyFrom(state)
    after.run.CopyFrom(machine.apply(state.run, machine.RequireAction(action=action), now=now))
    after.rounds += 1
    return after


def required_action(calls: Sequence[run_step_pb2.ToolCall]) -> run_pb2.RequiredAction:
    return run_pb2.RequiredAction(
        submit_tool_outputs=run_pb2.RequiredToolOutputs(
            tool_calls=[
                run_pb2.RequiredToolCall(
                    id=call.id,
                    function=run_pb2.RequiredFunctionCall(
                        name=call.function.name, arguments=call.function.arguments
                    ),
                )
                for call in calls
            ]
        )
    )


def _calls(step: run_step_pb2.RunStep) -> Sequence[run_step_pb2.ToolCall]:
    return step.step_details.tool_calls.tool_calls


def _pending(step: run_step_pb2.RunStep) -> list[run_step_pb2.ToolCall]:
    return [call for call in _calls(step) if not call.function.HasField("output")]
