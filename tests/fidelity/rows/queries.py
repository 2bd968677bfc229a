"""Query parameters."""

from __future__ import annotations

from tests.fidelity.rows.words import told, windows
from tests.fidelity.verdicts import Table, Verdict, honoured, idle

_INCLUDE = idle(
    "It asks for results of `file_search`, of which there are none yet; any other word is refused.",
    told("include_stays_here"),
)


def _pages(name: str) -> dict[str, Verdict]:
    return dict.fromkeys(("limit", "order", "after", "before"), honoured("", windows(name)))


ROWS: Table = {
    "GET /assistants": _pages("assistants"),
    "GET /threads/{thread_id}/messages": {
        **_pages("messages"),
        "run_id": honoured("", "tests/contract/test_paging.py::test_messages_of_one_run"),
    },
    "POST /threads/{thread_id}/runs": {"include[]": _INCLUDE},
    "GET /threads/{thread_id}/runs": _pages("runs"),
    "GET /threads/{thread_id}/runs/{run_id}/steps": {**_pages("steps"), "include[]": _INCLUDE},
    "GET /threads/{thread_id}/runs/{run_id}/steps/{step_id}": {"include[]": _INCLUDE},
}
