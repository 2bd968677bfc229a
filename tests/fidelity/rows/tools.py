"""What assistants, runs and their answers share: tools, formats, choices."""

from __future__ import annotations

from tests.fidelity.rows.words import outcome, told
from tests.fidelity.verdicts import Table, echoed, honoured

_SEARCH = echoed("Kept with the assistant; no run may have the tool yet.")
_TOOLS = told("tools")
_SCHEMA = told("response_format_json_schema_strict_true")
_OPEN_SCHEMA = told("response_format_json_schema_strict_false")

ROWS: Table = {
    "AssistantToolsCode": {
        "type": echoed("Kept with the assistant; no run may have the tool yet."),
    },
    "AssistantToolsFileSearch": {
        "type": _SEARCH,
        "file_search": _SEARCH,
        "file_search.max_num_results": _SEARCH,
        "file_search.ranking_options": _SEARCH,
    },
    "FileSearchRankingOptions": {"ranker": _SEARCH, "score_threshold": _SEARCH},
    "AssistantToolsFunction": {
        "type": honoured("", _TOOLS),
        "function": honoured("", _TOOLS),
    },
    "FunctionObject": {
        "description": honoured("", _TOOLS),
        "name": honoured("", _TOOLS),
        "parameters": honoured("With `strict`, every object in it must be closed.", _TOOLS),
        "strict": honoured("", _TOOLS),
    },
    "AssistantsApiResponseFormatOption": {
        "(auto)": honoured("", told("response_format_auto")),
        "(ResponseFormatText)": honoured("", told("response_format_text")),
        "(ResponseFormatJsonObject)": honoured("", told("response_format_json_object")),
        "(ResponseFormatJsonSchema)": honoured("", _SCHEMA, _OPEN_SCHEMA),
    },
    "ResponseFormatText": {"type": honoured("", told("response_format_text"))},
    "ResponseFormatJsonObject": {"type": honoured("", told("response_format_json_object"))},
    "ResponseFormatJsonSchema": {
        "type": honoured("", _SCHEMA),
        "json_schema": honoured("", _SCHEMA),
        "json_schema.description": honoured("", _SCHEMA),
        "json_schema.name": honoured("", _SCHEMA),
        "json_schema.schema": honoured("", _SCHEMA),
        "json_schema.strict": honoured("", _SCHEMA, _OPEN_SCHEMA),
    },
    "AssistantsApiToolChoiceOption": {
        "(none, auto, required)": honoured(
            "`required` holds for the run's first turn.",
            told("tool_choice_none"),
            told("tool_choice_auto"),
            told("tool_choice_required"),
            outcome("required_only_in_the_first_turn"),
        ),
        "(AssistantsNamedToolChoice)": honoured("", told("tool_choice_function")),
    },
    "AssistantsNamedToolChoice": {
        "type": honoured(
            "",
            told("tool_choice_function"),
            never={
                "code_interpreter": "refused: no run may have the tool yet",
                "file_search": "refused: no run may have the tool yet",
            },
        ),
        "function": honoured("", told("tool_choice_function")),
        "function.name": honoured(
            "Holds for the run's first turn. A function that the run does not have is refused.",
            outcome("a_function_only_in_the_first_turn"),
            outcome("a_choice_of_nothing_is_refused"),
        ),
    },
    "TruncationObject": {
        "type": honoured("", outcome("auto_drops_whole_oldest_messages"), outcome("last_messages")),
        "last_messages": honoured("", outcome("last_messages")),
    },
}
