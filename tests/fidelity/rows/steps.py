"""Run steps."""

from __future__ import annotations

from tests.fidelity.rows.words import NO_INTERPRETER, NO_SEARCH, SHOWN
from tests.fidelity.verdicts import Table, constant, honoured

ROWS: Table = {
    "RunStepObject": {
        "id": honoured("Begins with `step_`."),
        "object": SHOWN,
        "created_at": SHOWN,
        "assistant_id": SHOWN,
        "thread_id": SHOWN,
        "run_id": SHOWN,
        "type": SHOWN,
        "status": SHOWN,
        "step_details": SHOWN,
        "step_details (RunStepDetailsMessageCreationObject)": SHOWN,
        "step_details (RunStepDetailsToolCallsObject)": SHOWN,
        "last_error": SHOWN,
        "last_error.code": honoured("`server_error` as well where the run's is `invalid_prompt`."),
        "last_error.message": SHOWN,
        "expired_at": SHOWN,
        "cancelled_at": SHOWN,
        "failed_at": SHOWN,
        "completed_at": SHOWN,
        "metadata": constant({}, "Nothing in the API sets it."),
        "usage": honoured("null until the step has ended."),
    },
    "RunStepDetailsMessageCreationObject": dict.fromkeys(
        ("type", "message_creation", "message_creation.message_id"), SHOWN
    ),
    "RunStepDetailsToolCallsObject": {
        "type": SHOWN,
        "tool_calls": SHOWN,
        "tool_calls[] (RunStepDetailsToolCallsCodeObject)": NO_INTERPRETER,
        "tool_calls[] (RunStepDetailsToolCallsFileSearchObject)": NO_SEARCH,
        "tool_calls[] (RunStepDetailsToolCallsFunctionObject)": SHOWN,
    },
    "RunStepDetailsToolCallsFunctionObject": {
        "id": SHOWN,
        "type": SHOWN,
        "function": SHOWN,
        "function.name": SHOWN,
        "function.arguments": honoured("The text that the model wrote."),
        "function.output": honoured("null until it has been submitted."),
    },
    "RunStepCompletionUsage": dict.fromkeys(
        ("completion_tokens", "prompt_tokens", "total_tokens"), SHOWN
    ),
    "ListRunStepsResponse": dict.fromkeys(
        ("object", "data", "first_id", "last_id", "has_more"), SHOWN
    ),
    "RunStepDetailsToolCallsCodeObject": dict.fromkeys(
        (
            "id",
            "type",
            "code_interpreter",
            "code_interpreter.input",
            "code_interpreter.outputs",
            "code_interpreter.outputs[] (RunStepDetailsToolCallsCodeOutputLogsObject)",
            "code_interpreter.outputs[] (RunStepDetailsToolCallsCodeOutputImageObject)",
        ),
        NO_INTERPRETER,
    ),
    "RunStepDetailsToolCallsCodeOutputLogsObject": dict.fromkeys(("type", "logs"), NO_INTERPRETER),
    "RunStepDetailsToolCallsCodeOutputImageObject": dict.fromkeys(
        ("type", "image", "image.file_id"), NO_INTERPRETER
    ),
    "RunStepDetailsToolCallsFileSearchObject": dict.fromkeys(
        ("id", "type", "file_search", "file_search.ranking_options", "file_search.results"),
        NO_SEARCH,
    ),
    "RunStepDetailsToolCallsFileSearchRankingOptionsObject": dict.fromkeys(
        ("ranker", "score_threshold"), NO_SEARCH
    ),
    "RunStepDetailsToolCallsFileSearchResultObject": dict.fromkeys(
        ("file_id", "file_name", "score", "content", "content[].type", "content[].text"), NO_SEARCH
    ),
}
