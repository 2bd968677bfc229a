"""Runs."""

from __future__ import annotations

from tests.fidelity.rows.words import (
    FILE_IDS,
    KEPT,
    NO_INTERPRETER,
    NO_SEARCH,
    SHOWN,
    STORE_IDS,
    outcome,
    streams,
    told,
)
from tests.fidelity.verdicts import Table, Verdict, echoed, honoured, refused

_HOSTED = refused(
    "It is not there yet. With `UNDERSTUDY_UNAVAILABLE_TOOLS=ignore` the run goes without it."
)
_RESOURCES = echoed("Kept with the new thread; the tools that would use it are not there yet.")


def _given(entry: str) -> dict[str, Verdict]:
    """What both ways to begin a run have in common."""
    return {
        "assistant_id": honoured("", outcome("that_assistants_parameters", entry)),
        "model": honoured("", told("model", entry), outcome("a_model_of_another_provider", entry)),
        "instructions": honoured("", told("instructions", entry)),
        "tools": honoured("", told("tools", entry), told("tools_empty_removes", entry)),
        "tools[] (AssistantToolsCode)": _HOSTED,
        "tools[] (AssistantToolsFileSearch)": _HOSTED,
        "tools[] (AssistantToolsFunction)": honoured("", told("tools", entry)),
        "metadata": echoed("Kept.", outcome("metadata_of_the_run", entry)),
        "temperature": honoured("", told("temperature", entry)),
        "top_p": honoured("", told("top_p", entry)),
        "max_prompt_tokens": honoured("", outcome("prompt_budget_over_rounds", entry)),
        "max_completion_tokens": honoured("", outcome("completion_budget_over_rounds", entry)),
        "truncation_strategy": honoured(
            "", outcome("auto_drops_whole_oldest_messages", entry), outcome("last_messages", entry)
        ),
        "tool_choice": honoured(
            "", told("tool_choice_required", entry), told("tool_choice_function", entry)
        ),
        "parallel_tool_calls": honoured("", told("parallel_tool_calls_false", entry)),
        "response_format": honoured("", told("response_format_json_schema_strict_true", entry)),
    }


ROWS: Table = {
    "CreateRunRequest": {
        **_given("CreateRun"),
        "reasoning_effort": honoured("", told("reasoning_effort_low")),
        "additional_instructions": honoured("", told("additional_instructions")),
        "additional_messages": honoured("", outcome("additional_messages_join_the_thread")),
        "stream": honoured("", streams("CreateRunRequest")),
    },
    "CreateThreadAndRunRequest": {
        **_given("CreateThreadAndRun"),
        "thread": honoured("", outcome("the_new_thread_and_its_messages", "CreateThreadAndRun")),
        "tool_resources": _RESOURCES,
        "tool_resources.code_interpreter": _RESOURCES,
        "tool_resources.code_interpreter.file_ids": FILE_IDS,
        "tool_resources.file_search": _RESOURCES,
        "tool_resources.file_search.vector_store_ids": STORE_IDS,
        "stream": honoured("", streams("CreateThreadAndRunRequest")),
    },
    "ModifyRunRequest": {"metadata": KEPT},
    "SubmitToolOutputsRunRequest": {
        "tool_outputs": honoured("", "tests/fidelity/test_effects.py::test_outputs"),
        "tool_outputs[].tool_call_id": honoured(
            "Exactly those of the pending calls, in any order.",
            "tests/fidelity/test_effects.py::test_outputs",
        ),
        "tool_outputs[].output": honoured(
            "The empty string where it is left out.", "tests/fidelity/test_effects.py::test_outputs"
        ),
        "stream": honoured("", streams("SubmitToolOutputsRunRequest")),
    },
    "RunObject": {
        "id": honoured("Begins with `run_`."),
        "object": SHOWN,
        "created_at": SHOWN,
        "thread_id": SHOWN,
        "assistant_id": SHOWN,
        "status": SHOWN,
        "required_action": SHOWN,
        "required_action.type": SHOWN,
        "required_action.submit_tool_outputs": SHOWN,
        "required_action.submit_tool_outputs.tool_calls": SHOWN,
        "last_error": SHOWN,
        "last_error.code": SHOWN,
        "last_error.message": honoured("What the model's provider said, or what happened to it."),
        "expires_at": honoured(
            "Ten minutes after the creation; null once the run has ended otherwise."
        ),
        "started_at": SHOWN,
        "cancelled_at": SHOWN,
        "failed_at": SHOWN,
        "completed_at": SHOWN,
        "incomplete_details": SHOWN,
        "incomplete_details.reason": honoured(
            "None for an answer that the provider filtered: there is no word for it."
        ),
        "model": honoured("As it was asked for, also where an alias stands for another model."),
        "instructions": honoured("null where neither assistant nor run has any."),
        "tools": SHOWN,
        "tools[] (AssistantToolsCode)": NO_INTERPRETER,
        "tools[] (AssistantToolsFileSearch)": NO_SEARCH,
        "tools[] (AssistantToolsFunction)": SHOWN,
        "metadata": SHOWN,
        "usage": honoured(
            "What the provider reported, summed over the steps; null until the run has ended."
        ),
        "temperature": honoured("1.0 where nobody has set it."),
        "top_p": honoured("1.0 where nobody has set it."),
        "max_prompt_tokens": SHOWN,
        "max_completion_tokens": SHOWN,
        "truncation_strategy": SHOWN,
        "tool_choice": SHOWN,
        "parallel_tool_calls": SHOWN,
        "response_format": SHOWN,
    },
    "RunToolCallObject": dict.fromkeys(
        ("id", "type", "function", "function.name", "function.arguments"), SHOWN
    ),
    "RunCompletionUsage": dict.fromkeys(
        ("completion_tokens", "prompt_tokens", "total_tokens"), SHOWN
    ),
    "ListRunsResponse": dict.fromkeys(("object", "data", "first_id", "last_id", "has_more"), SHOWN),
}
