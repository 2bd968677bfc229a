"""One turn of the model: what its events mean for the run. Pure.

``Turn.take`` turns each model event into what to do: open a message or a step of calls, show a delta, close
what is open. The executor makes it durable and visible.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from understudy.v1 import content_pb2, event_pb2, run_step_pb2, usage_pb2
from understudy_server.models import port as model
from understudy_server.runs import events as ev
from understudy_server.runs.transcript import Draft


@dataclass(frozen=True, slots=True)
class OpenMessage:
    """Begin a message step; its first delta follows."""


@dataclass(frozen=True, slots=True)
class CloseMessage:
    """The message is complete; calls follow."""


@dataclass(frozen=True, slots=True)
class OpenCalls:
    """Begin a step of tool calls."""


@dataclass(frozen=True, slots=True)
class ShowPart:
    delta: event_pb2.ContentPartDelta
    first: bool
    """The first of its content index: shown only after its commit."""


@dataclass(frozen=True, slots=True)
class ShowCall:
    delta: run_step_pb2.ToolCallDelta
    first: bool


MAX_SAID = 280_000
"""Bytes of text and arguments in one turn. A commit carries them up to three times; a turn that goes beyond is
cut off there, as if the provider had done so."""

NOT_BEGUN = "The model's answer makes no sense: it continues a function call that it has not begun."
NOT_TOLD_APART = (
    "The model's answer makes no sense: two of its function calls cannot be told apart."
)

Action: TypeAlias = OpenMessage | CloseMessage | OpenCalls | ShowPart | ShowCall


@dataclass(slots=True)
class Turn:
    """What the model has said so far in this call."""

    draft: Draft | None = None
    """The content of the message that is open, as far as it was shown."""
    calls: list[run_step_pb2.ToolCall] = field(default_factory=list)
    opaque: list[bytes] = field(default_factory=list)
    finished: model.Finished | None = None
    late_text: list[model.TextDelta | model.RefusalDelta] = field(default_factory=list)
    """Text that came after a call; it is shown as a message of its own once the calls are whole."""
    _kind: type[model.ModelEvent] | None = None
    _said: int = 0

    def is_over(self) -> bool:
        return self.finished is not None

    def take(self, event: model.ModelEvent) -> list[Action]:
        self._said += _size(event)
        if self._said > MAX_SAID:
            event = model.Finished(reason="length")
        match event:
            case model.TextDelta() | model.RefusalDelta():
                if self.calls:
                    self.late_text.append(event)
                    return []
                return self._say(event)
            case model.ToolCallStarted():
                return self._call(event)
            case model.ToolCallDelta():
                if not 0 <= event.index < len(self.calls):
                    raise model.ModelError("server_error", NOT_BEGUN)
                call = self.calls[event.index]
                call.function.arguments += event.arguments
                delta = run_step_pb2.ToolCallDelta(
                    index=event.index,
                    function=run_step_pb2.FunctionCallDelta(arguments=event.arguments),
                )
                return [ShowCall(delta, first=False)]
            case model.Sent():
                return []
            case model.OpaqueItem():
                self.opaque.append(event.json)
                return []
            case model.Finished():
                self.finished = event
                return []

    def take_late_text(self) -> list[Action]:
        """Shows what was said after the calls, as a message."""
        late, self.late_text = self.late_text, []
        self._kind = None
        return [action for event in late for action in self._say(event)]

    def close_message(self) -> list[content_pb2.ContentPart]:
        """The whole content of the open message, which the writer ends."""
        assert self.draft is not None
        closed, self.draft, self._kind = self.draft, None, None
        return closed.content()

    def _say(self, event: model.TextDelta | model.RefusalDelta) -> list[Action]:
        if not event.text:
            return []
        actions: list[Action] = []
        if self.draft is None:
            self.draft = Draft()
            actions.append(OpenMessage())
        first = self._kind is not type(event)
        self._kind = type(event)
        index = len(self.draft) - (0 if first else 1)
        if isinstance(event, model.TextDelta):
            delta = ev.text_delta(index, event.text, first=first)
        else:
            delta = event_pb2.ContentPartDelta(index=index, refusal=event.text)
        self.draft.add(delta)
        actions.append(ShowPart(delta, first=first))
        return actions

    def _call(self, event: model.ToolCallStarted) -> list[Action]:
        if event.index != len(self.calls) or event.call_id in {call.id for call in self.calls}:
            raise model.ModelError("server_error", NOT_TOLD_APART)
        actions: list[Action] = []
        if self.draft is not None:
            actions.append(CloseMessage())
        if not self.calls:
            actions.append(OpenCalls())
        call = run_step_pb2.ToolCall(
            id=event.call_id, function=run_step_pb2.FunctionCall(name=event.name)
        )
        self.calls.append(call)
        delta = run_step_pb2.ToolCallDelta(
            index=event.index,
            id=event.call_id,
            function=run_step_pb2.FunctionCallDelta(
                name=event.name,
                arguments="",
                output=run_step_pb2.NullableString(null=0),  # type: ignore[arg-type]  # the only value
            ),
        )
        actions.append(ShowCall(delta, first=True))
        return actions


def _size(event: model.ModelEvent) -> int:
    match event:
        case model.TextDelta(text=text) | model.RefusalDelta(text=text):
            return len(text.encode())
        case model.ToolCallStarted(call_id=call_id, name=name):
            return len(call_id.encode()) + len(name.encode())
        case model.ToolCallDelta(arguments=arguments):
            return len(arguments.encode())
        case model.OpaqueItem(json=json):
            return len(json)
        case model.Sent() | model.Finished():
            return 0


def usage_of(finished: model.Finished | None) -> usage_pb2.Usage:
    """The call's usage as the API shows it; zeros when the provider sent none."""
    used = (finished.usage if finished else None) or model.Usage()
    return usage_pb2.Usage(
        prompt_tokens=_count(used.prompt_tokens),
        completion_tokens=_count(used.completion_tokens),
        total_tokens=_count(used.prompt_tokens) + _count(used.completion_tokens),
        prompt_token_details=usage_pb2.PromptTokenDetails(cached_tokens=_count(used.cached_tokens)),
        completion_tokens_details=usage_pb2.CompletionTokensDetails(
            reasoning_tokens=_count(used.reasoning_tokens)
        ),
    )


def _count(tokens: int) -> int:
    """A provider's number, made one that can be added up: never negative, nor beyond what JSON carries."""
    return max(0, min(tokens, 2**50))
