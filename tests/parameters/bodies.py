"""Parameters that the model's provider is told: what is sent, exactly, beside what is always sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.parameters.dialects import INSTRUCTIONS, Body, Dialect

_SCHEMA = {
    "type": "object",
    "properties": {"b": {"type": "string"}},
    "required": ["b"],
    "additionalProperties": False,
}
_SCHEMA_TEXT = (
    b'{"type":"object","properties":{"b":{"type":"string"}},'
    b'"required":["b"],"additionalProperties":false}'
)
F = {"function": {"name": "f"}}
_F_RESPONSES = {
    "type": "function",
    "name": "f",
    "parameters": {"type": "object", "properties": {}},
    "strict": False,
}
_F_CHAT = {"type": "function", "function": {"name": "f"}}
TOOLS = {"tools": {"tools": [F]}}
_WITH_F: dict[str, Body] = {"responses": {"tools": [_F_RESPONSES]}, "chat": {"tools": [_F_CHAT]}}
_CONFLICT = {"function": {"name": "of_the_assistant"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyCase:
    name: str
    parameter: str
    """What this is about."""
    given: dict[str, Any]
    """Fields of the request."""
    responses: Body
    """What the body has beside the plain one; the same in ``chat``."""
    chat: Body
    assistant: dict[str, Any] = field(default_factory=dict)
    """Fields of the assistant, which ``given`` overrides."""

    def expected(self, dialect: Dialect) -> Body:
        """The whole body."""
        plain = dialect.body("Hi")
        return {**plain, **(self.responses if dialect.name == "responses" else self.chat)}


def _same(name: str, parameter: str, given: Any, sent: Any, **assistant: Any) -> BodyCase:
    """One key in both dialects, named as the parameter is."""
    key: Body = {parameter: sent}
    return BodyCase(
        name=name,
        parameter=parameter,
        given={parameter: given},
        responses=key,
        chat=key,
        assistant=assistant,
    )


def _instructions(name: str, given: dict[str, Any], sent: str, **assistant: Any) -> BodyCase:
    messages = [{"role": "system", "content": sent}, {"role": "user", "content": "Hi"}]
    return BodyCase(
        name=name,
        parameter=next(iter(given)),
        given=given,
        responses={"instructions": sent},
        chat={"messages": messages},
        assistant=assistant,
    )


def _with_f(name: str, parameter: str, value: Any, responses: Any, chat: Any) -> BodyCase:
    """A parameter that says something of tools, with a tool. ``...`` sends no key."""
    return BodyCase(
        name=name,
        parameter=parameter,
        given={**TOOLS, parameter: value},
        responses=_WITH_F["responses"] | ({} if responses is ... else {parameter: responses}),
        chat=_WITH_F["chat"] | ({} if chat is ... else {parameter: chat}),
    )


def _format(name: str, value: Any, responses: Any, chat: Any) -> BodyCase:
    """``...`` sends no key. The assistant wants another format than any."""
    return BodyCase(
        name=name,
        parameter="response_format",
        given={"response_format": value},
        responses={} if responses is ... else {"text": {"format": responses}},
        chat={} if chat is ... else {"response_format": chat},
        assistant={"response_format": {"json_schema": {"name": "of_the_assistant"}}},
    )


def _effort(word: str) -> BodyCase:
    return BodyCase(
        name=f"reasoning_effort_{word}",
        parameter="reasoning_effort",
        given={"model": "o4-mini", "reasoning_effort": f"REASONING_EFFORT_{word.upper()}"},
        responses={"model": "o4-mini", "reasoning": {"effort": word}},
        chat={"model": "o4-mini", "reasoning_effort": word},
        assistant={"reasoning_effort": "REASONING_EFFORT_HIGH"},
    )


_TOOL = {
    "name": "f",
    "description": "Does f.",
    "parameters": _SCHEMA_TEXT,
    "strict": True,
}
_TOOL_SENT = {"name": "f", "description": "Does f.", "parameters": _SCHEMA, "strict": True}

BODIES: tuple[BodyCase, ...] = (
    _same("model", "model", "gpt-4o-mini", "gpt-4o-mini"),
    _same("model_with_provider", "model", "main/gpt-4o-mini", "gpt-4o-mini"),
    _same("temperature", "temperature", 0.25, 0.25, temperature=1.5),
    _same("temperature_zero", "temperature", 0.0, 0.0, temperature=1.5),
    _same("temperature_one", "temperature", 1.0, 1.0),
    _same("top_p", "top_p", 0.5, 0.5, top_p=0.75),
    _same("top_p_zero", "top_p", 0.0, 0.0),
    _instructions("instructions", {"instructions": "New."}, "New.", instructions=INSTRUCTIONS),
    BodyCase(
        name="instructions_empty_replace_and_are_not_sent",
        parameter="instructions",
        given={"instructions": ""},
        responses={},
        chat={},
        assistant={"instructions": INSTRUCTIONS},
    ),
    BodyCase(
        name="additional_instructions_empty",
        parameter="additional_instructions",
        given={"additional_instructions": ""},
        responses={},
        chat={},
    ),
    _instructions(
        "additional_instructions",
        {"additional_instructions": "Now."},
        "Be kind.\nNow.",
        instructions=INSTRUCTIONS,
    ),
    _instructions("additional_instructions_alone", {"additional_instructions": "Now."}, "Now."),
    _instructions(
        "additional_instructions_after_an_override",
        {"additional_instructions": "Now.", "instructions": "New."},
        "New.\nNow.",
        instructions=INSTRUCTIONS,
    ),
    _instructions(
        "additional_instructions_after_none",
        {"additional_instructions": "Now.", "instructions": ""},
        "Now.",
        instructions=INSTRUCTIONS,
    ),
    *map(_effort, ("none", "minimal", "low", "medium", "high", "xhigh", "max")),
    BodyCase(
        name="tools",
        parameter="tools",
        given={"tools": {"tools": [{"function": _TOOL}]}},
        responses={"tools": [{"type": "function", **_TOOL_SENT}]},
        chat={"tools": [{"type": "function", "function": _TOOL_SENT}]},
        assistant={"tools": [_CONFLICT]},
    ),
    BodyCase(
        name="tools_bare",
        parameter="tools",
        given=TOOLS,
        **_WITH_F,
        assistant={"tools": [_CONFLICT]},
    ),
    BodyCase(
        name="tools_empty_removes",
        parameter="tools",
        given={"tools": {}},
        responses={},
        chat={},
        assistant={"tools": [_CONFLICT]},
    ),
    _with_f("tool_choice_none", "tool_choice", {"mode": "TOOL_CHOICE_MODE_NONE"}, "none", "none"),
    _with_f("tool_choice_auto", "tool_choice", {"mode": "TOOL_CHOICE_MODE_AUTO"}, "auto", "auto"),
    _with_f(
        "tool_choice_required",
        "tool_choice",
        {"mode": "TOOL_CHOICE_MODE_REQUIRED"},
        "required",
        "required",
    ),
    _with_f(
        "tool_choice_function",
        "tool_choice",
        {"function": {"name": "f"}},
        {"type": "function", "name": "f"},
        {"type": "function", "function": {"name": "f"}},
    ),
    BodyCase(
        name="tool_choice_without_tools",
        parameter="tool_choice",
        given={"tool_choice": {"mode": "TOOL_CHOICE_MODE_AUTO"}},
        responses={},
        chat={},
    ),
    _with_f("parallel_tool_calls_false", "parallel_tool_calls", False, False, False),
    _with_f("parallel_tool_calls_true", "parallel_tool_calls", True, True, True),
    BodyCase(
        name="parallel_tool_calls_without_tools",
        parameter="parallel_tool_calls",
        given={"parallel_tool_calls": False},
        responses={},
        chat={},
    ),
    _format("response_format_auto", {"mode": "RESPONSE_FORMAT_MODE_AUTO"}, ..., ...),
    _format("response_format_text", {"text": {}}, {"type": "text"}, {"type": "text"}),
    _format(
        "response_format_json_object",
        {"json_object": {}},
        {"type": "json_object"},
        {"type": "json_object"},
    ),
    *(
        _format(
            f"response_format_json_schema_strict_{strict}".lower(),
            {
                "json_schema": {
                    "name": "s",
                    "description": "An s.",
                    "schema": _SCHEMA_TEXT,
                    "strict": strict,
                }
            },
            {
                "type": "json_schema",
                "name": "s",
                "description": "An s.",
                "schema": _SCHEMA,
                "strict": strict,
            },
            {
                "type": "json_schema",
                "json_schema": {
                    "name": "s",
                    "description": "An s.",
                    "schema": _SCHEMA,
                    "strict": strict,
                },
            },
        )
        for strict in (True, False)
    ),
    _format(
        "response_format_json_schema_bare",
        {"json_schema": {"name": "s"}},
        {"type": "json_schema", "name": "s", "schema": {}},
        {"type": "json_schema", "json_schema": {"name": "s"}},
    ),
    BodyCase(
        name="metadata_stays_here",
        parameter="metadata",
        given={"metadata": {"colour": "blue"}},
        responses={},
        chat={},
    ),
    BodyCase(
        name="include_stays_here",
        parameter="include",
        given={"include": ["RUN_STEP_INCLUDE_FILE_SEARCH_RESULT_CONTENT"]},
        responses={},
        chat={},
    ),
    BodyCase(
        name="stream_is_for_rest",
        parameter="stream",
        given={"stream": True},
        responses={},
        chat={},
    ),
)
