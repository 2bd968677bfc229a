"""What a run is created with: the assistant's parameters under the request's overrides. Pure."""

from __future__ import annotations

from typing import TypeAlias

from understudy.v1 import assistant_pb2, run_pb2, tool_pb2
from understudy_server.errors import InvalidRequest

CreateRequest: TypeAlias = run_pb2.CreateRunRequest | run_pb2.CreateThreadAndRunRequest

HOSTED = ("code_interpreter", "file_search")
"""Tools that the server itself would have to run."""


def effective(
    request: CreateRequest,
    assistant: assistant_pb2.Assistant,
    tool_resources: tool_pb2.ToolResources,
    *,
    run_id: str,
    thread_id: str,
) -> run_pb2.Run:
    """The run's fields that never change. A field that the request leaves out is the assistant's."""
    run = run_pb2.Run(
        id=run_id, assistant_id=assistant.id, thread_id=thread_id, model=assistant.model
    )
    if request.HasField("model"):
        run.model = request.model
    instructions = _instructions(request, assistant)
    if instructions is not None:
        run.instructions = instructions
    run.tools.extend(request.tools.tools if request.HasField("tools") else assistant.tools)
    if tool_resources.ByteSize():
        run.tool_resources.CopyFrom(tool_resources)
    for source in (assistant, request):
        if source.HasField("temperature"):
            run.temperature = source.temperature
        if source.HasField("top_p"):
            run.top_p = source.top_p
        if source.HasField("response_format"):
            run.response_format.CopyFrom(source.response_format)
    if assistant.HasField("reasoning_effort"):
        run.reasoning_effort = assistant.reasoning_effort
    if isinstance(request, run_pb2.CreateRunRequest) and request.HasField("reasoning_effort"):
        run.reasoning_effort = request.reasoning_effort
    if request.HasField("max_completion_tokens"):
        run.max_completion_tokens = request.max_completion_tokens
    if request.HasField("max_prompt_tokens"):
        run.max_prompt_tokens = request.max_prompt_tokens
    if request.HasField("truncation_strategy"):
        run.truncation_strategy.CopyFrom(request.truncation_strategy)
    if request.HasField("tool_choice"):
        run.tool_choice.CopyFrom(request.tool_choice)
    if request.HasField("parallel_tool_calls"):
        run.parallel_tool_calls = request.parallel_tool_calls
    return run


def _instructions(request: CreateRequest, assistant: assistant_pb2.Assistant) -> str | None:
    chosen = request if request.HasField("instructions") else assistant
    parts = [chosen.instructions] if chosen.HasField("instructions") else []
    if isinstance(request, run_pb2.CreateRunRequest) and request.HasField(
        "additional_instructions"
    ):
        parts.append(request.additional_instructions)
    return "\n".join(filter(None, parts)) if parts else None


def check(run: run_pb2.Run, *, drop_unavailable: bool) -> list[str]:
    """Refuses what this server cannot do; or removes it, and returns the tools that were dropped."""
    dropped: list[str] = []
    for index, tool in reversed(list(enumerate(run.tools))):
        kind = tool.WhichOneof("tool")
        if kind not in HOSTED:
            continue
        if not drop_unavailable:
            raise InvalidRequest(
                f"Invalid 'tools[{index}].type': the tool '{kind}' is not available on this "
                "server. Remove it from the assistant, or give the run other 'tools'.",
                reason="UNSUPPORTED_TOOL",
                param=f"tools[{index}].type",
            )
        dropped.append(kind)
        del run.tools[index]
    _check_choice(run)
    return dropped


def _check_choice(run: run_pb2.Run) -> None:
    """A forced tool must be there to be called. The words are those of OpenAI's sibling endpoints."""
    chosen = run.tool_choice.WhichOneof("choice")
    if chosen is None:
        return
    if chosen == "mode":
        if run.tool_choice.mode != tool_pb2.TOOL_CHOICE_MODE_REQUIRED or run.tools:
            return
        raise _no_choice("Tool choice 'required' must be specified with 'tools' parameter.")
    if chosen == "function":
        name = run.tool_choice.function.name
        if any(tool.HasField("function") and tool.function.name == name for tool in run.tools):
            return
        wanted = f"function '{name}'"
    else:
        if any(tool.WhichOneof("tool") == chosen for tool in run.tools):
            return
        wanted = f"tool '{chosen}'"
    raise _no_choice(
        f"Tool choice '{chosen}' not found in 'tools' parameter: the run has no {wanted}."
    )


def _no_choice(message: str) -> InvalidRequest:
    return InvalidRequest(message, reason="INVALID_VALUE", param="tool_choice")
