"""Threads."""

from __future__ import annotations

from tests.fidelity.rows.assistants import NEW_STORE_PATHS
from tests.fidelity.rows.words import FILE_IDS, KEPT, NEW_STORES, SHOWN, STORE_IDS, outcome
from tests.fidelity.verdicts import Table, echoed, honoured

_RESOURCES = echoed("Kept; the tools that would use it are not there yet.")
_GIVEN_RESOURCES = {
    "tool_resources": _RESOURCES,
    "tool_resources.code_interpreter": _RESOURCES,
    "tool_resources.code_interpreter.file_ids": FILE_IDS,
    "tool_resources.file_search": _RESOURCES,
    "tool_resources.file_search.vector_store_ids": STORE_IDS,
}

ROWS: Table = {
    "CreateThreadRequest": {
        "messages": honoured(
            "",
            outcome("only_that_threads_messages"),
            outcome("the_new_thread_and_its_messages", "CreateThreadAndRun"),
        ),
        **_GIVEN_RESOURCES,
        **dict.fromkeys(NEW_STORE_PATHS, NEW_STORES),
        "metadata": KEPT,
    },
    "ModifyThreadRequest": {**_GIVEN_RESOURCES, "metadata": KEPT},
    "ThreadObject": {
        "id": honoured("Begins with `thread_`."),
        "object": SHOWN,
        "created_at": SHOWN,
        "tool_resources": SHOWN,
        "tool_resources.code_interpreter": SHOWN,
        "tool_resources.code_interpreter.file_ids": SHOWN,
        "tool_resources.file_search": SHOWN,
        "tool_resources.file_search.vector_store_ids": SHOWN,
        "metadata": SHOWN,
    },
    "DeleteThreadResponse": dict.fromkeys(("id", "deleted", "object"), SHOWN),
}
