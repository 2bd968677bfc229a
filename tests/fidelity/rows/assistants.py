"""Assistants."""

from __future__ import annotations

from tests.fidelity.rows.words import (
    FILE_IDS,
    KEPT,
    NEW_STORES,
    SHOWN,
    STORE_IDS,
    effect,
)
from tests.fidelity.verdicts import Table, Verdict, echoed, honoured

_HOSTED = echoed(
    "Assistants keep it. A run of such an assistant is refused, naming `tools[i].type`, or goes without the tool "
    "where `UNDERSTUDY_UNAVAILABLE_TOOLS=ignore` is set.",
    "tests/contract/test_states.py::test_a_tool_that_is_not_available",
)
_RESOURCES = echoed("Kept; the tools that would use it are not there yet.")


def _given(operation: str) -> dict[str, Verdict]:
    """What creation and modification have in common."""
    return {
        "model": honoured(
            "Any name; `provider/model` chooses one of your providers.", effect(operation, "model")
        ),
        "name": KEPT,
        "description": KEPT,
        "instructions": honoured("", effect(operation, "instructions")),
        "reasoning_effort": honoured("", effect(operation, "reasoning_effort")),
        "tools": honoured("", effect(operation, "tools")),
        "tools[] (AssistantToolsCode)": _HOSTED,
        "tools[] (AssistantToolsFileSearch)": _HOSTED,
        "tools[] (AssistantToolsFunction)": honoured("", effect(operation, "tools")),
        "tool_resources": _RESOURCES,
        "tool_resources.code_interpreter": _RESOURCES,
        "tool_resources.code_interpreter.file_ids": FILE_IDS,
        "tool_resources.file_search": _RESOURCES,
        "tool_resources.file_search.vector_store_ids": STORE_IDS,
        "metadata": KEPT,
        "temperature": honoured("", effect(operation, "temperature")),
        "top_p": honoured("", effect(operation, "top_p")),
        "response_format": honoured("", effect(operation, "response_format")),
    }


_STORES = "tool_resources.file_search.vector_stores"
NEW_STORE_PATHS = (
    _STORES,
    f"{_STORES}[].file_ids",
    f"{_STORES}[].chunking_strategy",
    f"{_STORES}[].chunking_strategy (auto).type",
    f"{_STORES}[].chunking_strategy (static).type",
    f"{_STORES}[].chunking_strategy (static).static",
    f"{_STORES}[].chunking_strategy (static).static.max_chunk_size_tokens",
    f"{_STORES}[].chunking_strategy (static).static.chunk_overlap_tokens",
    f"{_STORES}[].metadata",
)

ROWS: Table = {
    "CreateAssistantRequest": {
        **_given("create"),
        **dict.fromkeys(NEW_STORE_PATHS, NEW_STORES),
    },
    "ModifyAssistantRequest": _given("modify"),
    "AssistantObject": {
        "id": honoured("Begins with `asst_`."),
        "object": SHOWN,
        "created_at": SHOWN,
        "name": SHOWN,
        "description": SHOWN,
        "model": honoured("As it was given, also where an alias stands for another model."),
        "instructions": SHOWN,
        "tools": SHOWN,
        "tools[] (AssistantToolsCode)": SHOWN,
        "tools[] (AssistantToolsFileSearch)": SHOWN,
        "tools[] (AssistantToolsFunction)": SHOWN,
        "tool_resources": SHOWN,
        "tool_resources.code_interpreter": SHOWN,
        "tool_resources.code_interpreter.file_ids": SHOWN,
        "tool_resources.file_search": SHOWN,
        "tool_resources.file_search.vector_store_ids": SHOWN,
        "metadata": SHOWN,
        "temperature": honoured("1.0 where nobody has set it."),
        "top_p": honoured("1.0 where nobody has set it."),
        "response_format": SHOWN,
    },
    "ListAssistantsResponse": dict.fromkeys(
        ("object", "data", "first_id", "last_id", "has_more"), SHOWN
    ),
    "DeleteAssistantResponse": dict.fromkeys(("id", "deleted", "object"), SHOWN),
}
