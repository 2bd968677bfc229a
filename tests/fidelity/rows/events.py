"""Streamed events, and errors."""

from __future__ import annotations

from tests.fidelity.rows.words import SHOWN
from tests.fidelity.verdicts import Table, Verdict, absent, honoured


def _each(*events: str) -> dict[str, Verdict]:
    return {f"({event}).{part}": SHOWN for event in events for part in ("event", "data")}


ROWS: Table = {
    "AssistantStreamEvent": dict.fromkeys(
        (
            "(ThreadStreamEvent)",
            "(RunStreamEvent)",
            "(RunStepStreamEvent)",
            "(MessageStreamEvent)",
            "(ErrorEvent)",
            "(DoneEvent)",
        ),
        SHOWN,
    ),
    "ThreadStreamEvent": {
        "enabled": absent("A slip in the description: the real API does not send it either."),
        "event": SHOWN,
        "data": SHOWN,
    },
    "RunStreamEvent": _each(
        "thread.run.created",
        "thread.run.queued",
        "thread.run.in_progress",
        "thread.run.requires_action",
        "thread.run.completed",
        "thread.run.incomplete",
        "thread.run.failed",
        "thread.run.cancelling",
        "thread.run.cancelled",
        "thread.run.expired",
    ),
    "RunStepStreamEvent": _each(
        "thread.run.step.created",
        "thread.run.step.in_progress",
        "thread.run.step.delta",
        "thread.run.step.completed",
        "thread.run.step.failed",
        "thread.run.step.cancelled",
        "thread.run.step.expired",
    ),
    "MessageStreamEvent": _each(
        "thread.message.created",
        "thread.message.in_progress",
        "thread.message.delta",
        "thread.message.completed",
        "thread.message.incomplete",
    ),
    "ErrorEvent": {
        "event": honoured("Where a stream breaks off, such as when its thread is deleted."),
        "data": SHOWN,
    },
    "DoneEvent": {"event": SHOWN, "data": SHOWN},
    "ErrorResponse": {"error": SHOWN},
    "Error": {"code": SHOWN, "message": SHOWN, "param": SHOWN, "type": SHOWN},
}
