"""What the model is asked: the thread and the run as one ``ModelRequest``. Pure.

Only what the user set is sent: an echoed default, such as ``temperature: 1.0``, is not, because some models
refuse it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from understudy.v1 import content_pb2, message_pb2, reasoning_pb2, run_pb2, run_step_pb2, tool_pb2
from understudy_server.models import port as model
from understudy_server.runs import tokens, window
from understudy_server.runs.images import StoredImage
from understudy_server.store.v1.records_pb2 import StepRecord
from understudy_server.tools.port import FunctionDefinition

_ROLES: dict[int, model.Role] = {
    message_pb2.MESSAGE_ROLE_USER: "user",
    message_pb2.MESSAGE_ROLE_ASSISTANT: "assistant",
    message_pb2.MESSAGE_ROLE_SYSTEM: "system",
}
_MODES: dict[int, str] = {
    tool_pb2.TOOL_CHOICE_MODE_NONE: "none",
    tool_pb2.TOOL_CHOICE_MODE_AUTO: "auto",
    tool_pb2.TOOL_CHOICE_MODE_REQUIRED: "required",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything that a model call is built from."""

    run: run_pb2.Run
    """Spec and state joined."""
    messages: Sequence[message_pb2.Message]
    """The thread's newest messages, oldest first."""
    steps: Sequence[StepRecord]
    """The run's own steps, oldest first."""
    resolved: model.Resolved
    prompt_left: int | None = None
    """Tokens that the run's prompt budget still allows."""
    completion_left: int | None = None
    definitions: Mapping[str, FunctionDefinition] = field(default_factory=dict)
    """What this server's own functions say of themselves, for tools that only name them."""


def build(material: Material) -> model.ModelRequest:
    """Its images that are files are ``StoredImage``s, so that only those that fit are read."""
    run = material.run
    earlier = [m for m in material.messages if m.run_id != run.id and _says_something(m)]
    if run.truncation_strategy.type == run_pb2.TRUNCATION_TYPE_LAST_MESSAGES:
        # Unset counts as everything: the API allows the type without a number.
        earlier = earlier[-(run.truncation_strategy.last_messages or len(earlier)) :]
    # A step that a takeover abandoned does not count: the model has not had its turn yet.
    first = not any(_is_completed(record) for record in material.steps)
    tools = _functions(run.tools, material.definitions)
    bare = model.ModelRequest(
        model=material.resolved.model,
        # Empty ones have done their work: they replaced the assistant's.
        instructions=run.instructions or None,
        tools=tools,
        tool_choice=_tool_choice(run.tool_choice, first=first) if tools else None,
        parallel_tool_calls=(
            run.parallel_tool_calls if tools and run.HasField("parallel_tool_calls") else None
        ),
        response_format=_response_format(run),
        temperature=run.temperature if run.HasField("temperature") else None,
        top_p=run.top_p if run.HasField("top_p") else None,
        reasoning_effort=_effort(run),
        max_output_tokens=material.completion_left,
    )
    own = _own_items(material)
    room = window.room_for_prompt(material.resolved.context_window, material.completion_left)
    if material.prompt_left is not None:
        room = min(room, material.prompt_left)
    fixed = tokens.of_items(own) + tokens.of_rest(bare)
    fitting = window.newest_that_fit([_message(m) for m in earlier], room - fixed)
    return replace(bare, items=(*fitting, *own))


def _own_items(material: Material) -> list[model.Item]:
    """What this run has already said, called and been told, turn by turn."""
    messages = {m.id: m for m in material.messages}
    items: list[model.Item] = []
    for record in material.steps:
        step = record.step
        if not _is_completed(record):
            continue
        items.extend(model.Opaque(json=item) for item in record.opaque)
        if step.step_details.HasField("message_creation"):
            written = messages.get(step.step_details.message_creation.message_id)
            if written is not None and _says_something(written):
                items.append(_message(written))
            continue
        calls = [c for c in step.step_details.tool_calls.tool_calls if c.HasField("function")]
        items.extend(
            model.ToolCall(call_id=c.id, name=c.function.name, arguments=c.function.arguments)
            for c in calls
        )
        items.extend(model.ToolOutput(call_id=c.id, output=c.function.output) for c in calls)
    return items


def _is_completed(record: StepRecord) -> bool:
    return record.step.status == run_step_pb2.RUN_STEP_STATUS_COMPLETED


def _says_something(message: message_pb2.Message) -> bool:
    """Not so an answer that was cut off before its first word; providers refuse empty messages."""
    return any(_part(part) is not None for part in message.content)


def _message(message: message_pb2.Message) -> model.Message:
    parts = [part for part in map(_part, message.content) if part is not None]
    return model.Message(role=_ROLES[message.role], parts=tuple(parts))


def _part(part: content_pb2.ContentPart) -> model.Part | None:
    match part.WhichOneof("part"):
        case "text":
            return model.Text(text=part.text.value) if part.text.value else None
        case "image_url":
            return model.Image(url=part.image_url.url, detail=_detail(part.image_url.detail))
        case "image_file":
            detail = _detail(part.image_file.detail)
            return StoredImage(file_id=part.image_file.file_id, detail=detail)
        case "refusal":
            return model.Refusal(refusal=part.refusal)
        case _:
            return None


def _detail(detail: content_pb2.ImageDetail.ValueType) -> Literal["auto", "low", "high"]:
    match detail:
        case content_pb2.IMAGE_DETAIL_LOW:
            return "low"
        case content_pb2.IMAGE_DETAIL_HIGH:
            return "high"
        case _:
            return "auto"


def _functions(
    tools: Sequence[tool_pb2.Tool], definitions: Mapping[str, FunctionDefinition]
) -> tuple[model.Function, ...]:
    return tuple(
        _function(tool.function, definitions.get(tool.function.name))
        for tool in tools
        if tool.HasField("function")
    )


def _function(given: tool_pb2.FunctionTool, known: FunctionDefinition | None) -> model.Function:
    """What the assistant says of a function; where it says nothing, what the function itself says."""
    description = given.description if given.HasField("description") else None
    parameters = given.parameters if given.HasField("parameters") else None
    return model.Function(
        name=given.name,
        description=known.description if description is None and known else description,
        parameters=known.parameters if parameters is None and known else parameters,
        strict=given.strict if given.HasField("strict") else None,
    )


def _tool_choice(choice: tool_pb2.ToolChoice, *, first: bool) -> model.ToolChoice | None:
    match choice.WhichOneof("choice"):
        case "mode":
            mode = _MODES[choice.mode]
            # A forced call is for the first turn; else the run could never end.
            return mode if first or mode != "required" else None
        case "function":
            return f"function:{choice.function.name}" if first else None
        case _:
            return None


def _response_format(run: run_pb2.Run) -> model.ResponseFormat | None:
    chosen = run.response_format
    match chosen.WhichOneof("format"):
        case "text":
            return "text"
        case "json_object":
            return "json_object"
        case "json_schema":
            schema = chosen.json_schema
            return model.JsonSchema(
                name=schema.name,
                description=schema.description if schema.HasField("description") else None,
                schema=schema.schema if schema.HasField("schema") else None,
                strict=schema.strict if schema.HasField("strict") else None,
            )
        case _:
            return None


def _effort(run: run_pb2.Run) -> model.ReasoningEffort | None:
    if not run.HasField("reasoning_effort"):
        return None
    name = reasoning_pb2.ReasoningEffort.Name(run.reasoning_effort)
    return cast("model.ReasoningEffort", name.removeprefix("REASONING_EFFORT_").lower())
