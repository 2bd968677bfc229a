"""The function calls of one answer while they arrive in pieces, whatever the pieces look like.

Servers send a call's id late, twice, never, or the same for two calls; its name in each piece; its
arguments in fragments, or only whole at the end. What comes out is always: one start per call with
an id of its own, then the arguments, each character once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from understudy_server.models.failure import UpstreamFailure
from understudy_server.models.port import ModelEvent, ToolCallDelta, ToolCallStarted


@dataclass(slots=True)
class Call:
    """One call so far. ``index`` is None until it was announced."""

    call_id: str = ""
    name: str = ""
    arguments: str = ""
    index: int | None = field(default=None)


class Calls:
    """All calls of one answer. ``new_call_id`` names those that the server left without an id."""

    def __init__(self, new_call_id: Callable[[], str]) -> None:
        self._new_call_id = new_call_id
        self._announced: list[Call] = []
        self._waiting: list[Call] = []

    def __bool__(self) -> bool:
        return bool(self._announced)

    def open(self) -> Call:
        call = Call()
        self._waiting.append(call)
        return call

    def named(self, call: Call, *, call_id: str, name: str) -> list[ModelEvent]:
        """Announce ``call`` as soon as its name is known; repetitions change nothing."""
        call.call_id = call.call_id or call_id
        call.name = call.name or name
        if call.index is not None or not call.name:
            return []
        if not call.call_id or any(call.call_id == other.call_id for other in self._announced):
            call.call_id = self._new_call_id()
        call.index = len(self._announced)
        self._announced.append(call)
        self._waiting.remove(call)
        events: list[ModelEvent] = [
            ToolCallStarted(index=call.index, call_id=call.call_id, name=call.name)
        ]
        if call.arguments:
            events.append(ToolCallDelta(index=call.index, arguments=call.arguments))
        return events

    def more(self, call: Call, arguments: str) -> list[ModelEvent]:
        """A further fragment of the arguments."""
        call.arguments += arguments
        if call.index is None or not arguments:
            return []
        return [ToolCallDelta(index=call.index, arguments=arguments)]

    def whole(self, call: Call, arguments: str) -> list[ModelEvent]:
        """The complete arguments; only what is missing of them is passed on."""
        if not arguments.startswith(call.arguments):
            return []  # the fragments were shown already and cannot be taken back
        return self.more(call, arguments[len(call.arguments) :])

    def check(self) -> None:
        """Raises ``UpstreamFailure`` for a call that ended without ever having a name."""
        if self._waiting:
            raise UpstreamFailure(kind="malformed", message="a function call without a name")
