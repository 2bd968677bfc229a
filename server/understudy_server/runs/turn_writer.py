"""Makes one turn of the model durable and visible: messages, steps, deltas, and how the turn ends the run."""

from __future__ import annotations

from collections.abc import Sequence

from understudy.v1 import content_pb2, event_pb2, message_pb2, run_pb2, run_step_pb2, usage_pb2
from understudy_server.clock import SECOND
from understudy_server.models.port import ModelEvent, Resolved, Sent
from understudy_server.runs import ending, machine, model_calls, transcript
from understudy_server.runs import events as ev
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.holder import Change, Claim, Holder, Lost
from understudy_server.runs.tool_calls import required_action, waiting
from understudy_server.runs.turn import (
    Action,
    CloseMessage,
    OpenCalls,
    OpenMessage,
    ShowCall,
    ShowPart,
    Turn,
)
from understudy_server.store import tables
from understudy_server.store.port import Operation
from understudy_server.store.tables import Row
from understudy_server.store.v1.records_pb2 import ModelCallRecord, RunState, StepRecord


class TurnWriter:
    """Writes one turn. A message or step is committed with its first delta, so that none is ever empty."""

    def __init__(
        self,
        collaborators: Collaborators,
        claim: Claim,
        spec: run_pb2.Run,
        holder: Holder,
        resolved: Resolved,
    ) -> None:
        self.turn = Turn()
        self._with = collaborators
        self._claim = claim
        self._spec = spec
        self._holder = holder
        self._resolved = resolved
        self._steps = tables.steps(claim.run_id)
        self._kept_calls = tables.model_calls(claim.run_id)
        self._opening: list[event_pb2.RunEvent] = []
        self._new_step: StepRecord | None = None
        self._message_step = ""
        self._calls_step = ""
        self._call: ModelCallRecord | None = None
        self._first_step = ""

    async def take(self, event: ModelEvent) -> None:
        if isinstance(event, Sent):
            if self._with.keep_model_requests:
                self._keep(event)
            return
        for action in self.turn.take(event):
            await self._act(action)

    async def complete(self, usage: usage_pb2.Usage) -> None:
        """The turn was the answer: message, step and run end in one commit."""
        left = await self._used(self._message_step)
        row = await self._row(self._message_step) if self.turn.draft is not None else None
        content = self.turn.close_message() if self.turn.draft is not None else None

        def decide(state: RunState, order: int) -> Change:
            events, operations = self._ended(content, row, usage, order)
            after = RunState()
            after.CopyFrom(state)
            total = machine.add_usage(left, usage)
            completed = machine.apply(
                state.run, machine.Complete(), now=self._seconds(), usage=total
            )
            after.run.CopyFrom(completed)
            after.rounds += 1
            return Change(
                events=[*events, ev.run_changed(after.run)],
                operations=operations,
                state=after,
                then="unlock",
            )

        await self._holder.commit(decide)

    async def ask(self, usage: usage_pb2.Usage) -> None:
        """The turn made calls that the application serves: the run waits for their outputs."""
        row, record = await self._whole_calls(usage)
        action = required_action(self.turn.calls)

        def decide(state: RunState, _order: int) -> Change:
            after = waiting(state, action, self._seconds())
            return Change(
                events=[ev.run_changed(after.run)],
                operations=[self._steps.replace(row, record)],
                state=after,
                then="wait",
            )

        await self._holder.commit(decide)

    async def keep_calls(self, usage: usage_pb2.Usage) -> str:
        """The turn made calls that this server serves: they are stored before they run. Gives the step's id."""
        row, record = await self._whole_calls(usage)
        change = Change(operations=[self._steps.replace(row, record)])
        await self._holder.commit(lambda _state, _order: change)
        return row.id

    async def _whole_calls(self, usage: usage_pb2.Usage) -> tuple[Row[StepRecord], StepRecord]:
        """The step of calls as it was read, and with everything that the turn has brought."""
        thought, self.turn.opaque = self.turn.opaque, []
        for late in self.turn.take_late_text():
            await self._act(late)
        if self.turn.draft is not None:
            await self._close_message()
        row = await self._row(self._calls_step)
        record = StepRecord()
        record.CopyFrom(row.body)
        record.usage.CopyFrom(usage)
        record.step.step_details.tool_calls.tool_calls.extend(self.turn.calls)
        record.opaque.extend(thought)
        return row, record

    async def _act(self, action: Action) -> None:
        match action:
            case OpenMessage():
                self._open_message()
            case CloseMessage():
                await self._close_message()
            case OpenCalls():
                self._open_calls()
            case ShowPart(delta=part, first=first):
                assert self.turn.draft is not None
                await self._show(ev.part_delta(self._message_id, part), first=first)
            case ShowCall(delta=call, first=first):
                await self._show(ev.call_delta(self._calls_step, call), first=first)

    async def _show(self, event: event_pb2.RunEvent, *, first: bool) -> None:
        if not first:
            self._holder.show(event)
            return
        opening, record = self._opening, self._new_step
        self._opening, self._new_step = [], None

        def decide(_state: RunState, order: int) -> Change:
            operations: list[Operation] = []
            if record is not None:
                id = record.step.id
                operations.append(self._steps.put(id, record, expected=None, order=order))
                if self._call is not None and record.request == id:
                    operations.append(
                        self._kept_calls.put(id, self._call, expected=None, order=order)
                    )
            return Change(events=[*opening, event], operations=operations)

        await self._holder.commit(decide)

    def _keep(self, sent: Sent) -> None:
        """Of a call that is repeated the last try counts; it is stored with the first step that comes of it."""
        state = self._holder.state
        self._call = model_calls.record(
            sent,
            run=self._spec,
            resolved=self._resolved,
            requested_model=state.requested_model or self._spec.model,
            attempt=self._claim.attempt,
            round=state.rounds,
            now=self._seconds(),
        )

    def _open_message(self) -> None:
        assert self.turn.draft is not None
        self._message_id = self._with.ids.new("msg_")
        step = self._step(run_step_pb2.RUN_STEP_TYPE_MESSAGE_CREATION)
        step.step_details.message_creation.message_id = self._message_id
        self._message_step = step.id
        opened = message_pb2.Message(
            id=self._message_id,
            created_at=self._seconds(),
            assistant_id=self._spec.assistant_id,
            thread_id=self._spec.thread_id,
            run_id=self._claim.run_id,
            status=message_pb2.MESSAGE_STATUS_IN_PROGRESS,
            role=message_pb2.MESSAGE_ROLE_ASSISTANT,
        )
        self._shell = opened
        self._begin(step, ev.message_opened(opened))

    def _open_calls(self) -> None:
        step = self._step(run_step_pb2.RUN_STEP_TYPE_TOOL_CALLS)
        step.step_details.tool_calls.SetInParent()
        self._calls_step = step.id
        self._begin(step, [])

    def _begin(self, step: run_step_pb2.RunStep, more: Sequence[event_pb2.RunEvent]) -> None:
        self._first_step = self._first_step or step.id
        # What the model thought before this goes before it again when it is asked to go on.
        thought, self.turn.opaque = self.turn.opaque, []
        self._new_step = StepRecord(
            step=step,
            round=self._holder.state.rounds,
            opaque=thought,
            request=self._first_step if self._call is not None else "",
        )
        self._opening = [*ev.step_opened(step), *more]

    async def _close_message(self) -> None:
        """The message is whole, and the turn goes on; the usage belongs to the turn's last step."""
        row = await self._row(self._message_step)
        content = self.turn.close_message()

        def decide(_state: RunState, order: int) -> Change:
            events, operations = self._ended(content, row, machine.no_usage(), order)
            return Change(events=events, operations=operations)

        await self._holder.commit(decide)

    def _ended(
        self,
        content: Sequence[content_pb2.ContentPart] | None,
        row: Row[StepRecord] | None,
        usage: usage_pb2.Usage,
        order: int,
    ) -> tuple[list[event_pb2.RunEvent], list[Operation]]:
        if content is None or row is None:
            return [], []
        whole = message_pb2.Message()
        whole.CopyFrom(self._shell)
        whole.content.extend(content)
        ended = transcript.end_message(whole, None, self._seconds())
        record = StepRecord()
        record.CopyFrom(row.body)
        step = transcript.end_step(record.step, transcript.STEP_COMPLETED, self._seconds())
        step.usage.CopyFrom(usage)
        record.step.CopyFrom(step)
        record.usage.CopyFrom(usage)
        return (
            [ev.message_changed(ended), ev.step_changed(step)],
            [
                *ending.put_message(ended, self._claim.run_id, order),
                self._steps.replace(row, record),
            ],
        )

    def _step(self, type: run_step_pb2.RunStepType.ValueType) -> run_step_pb2.RunStep:
        return run_step_pb2.RunStep(
            id=self._with.ids.new("step_"),
            created_at=self._seconds(),
            run_id=self._claim.run_id,
            assistant_id=self._spec.assistant_id,
            thread_id=self._spec.thread_id,
            type=type,
            status=run_step_pb2.RUN_STEP_STATUS_IN_PROGRESS,
            expires_at=self._holder.state.run.expires_at,
        )

    async def _row(self, step_id: str) -> Row[StepRecord]:
        row = await self._steps.get(self._with.store, self._claim.partition, step_id, fresh=True)
        if row is None:
            # Only the purge of a deleted thread takes a step away.
            raise Lost
        return row

    async def _used(self, but: str) -> usage_pb2.Usage:
        """What the run's other steps have used."""
        rows = await ending.read_steps(self._with.store, self._claim.partition, self._claim.run_id)
        return machine.total_usage(
            row.body.usage for row in rows if row.id != but and row.body.HasField("usage")
        )

    def _seconds(self) -> int:
        return self._with.store.now() // SECOND
