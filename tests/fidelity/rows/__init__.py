"""The verdicts, in the order of the report."""

from __future__ import annotations

from tests.fidelity.rows import (
    assistants,
    deltas,
    events,
    messages,
    queries,
    runs,
    steps,
    threads,
    tools,
)
from tests.fidelity.verdicts import Table

ROOMS: dict[str, Table] = {
    "Assistants": assistants.ROWS,
    "Tools and formats": tools.ROWS,
    "Threads": threads.ROWS,
    "Messages": messages.ROWS,
    "Runs": runs.ROWS,
    "Run steps": steps.ROWS,
    "Streamed pieces": deltas.ROWS,
    "Streamed events and errors": events.ROWS,
    "Query parameters": queries.ROWS,
}
