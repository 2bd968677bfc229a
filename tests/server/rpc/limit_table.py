"""One broken request for every limit of the contract: the table of ``test_limits``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from tests.server.rpc.limit_rows import (
    VALID,
    Row,
    bad_metadata,
    long_field,
    long_text,
    missing,
    not_an_object,
    out_of_bounds,
    request_with,
    too_many_items,
    unknown_enum,
    unlike_pattern,
)
from understudy.v1 import content_pb2, message_pb2, run_pb2
from understudy.v1.content_pb2 import InputPart, MessageInput, MessageInputParts
from understudy.v1.response_format_pb2 import JsonSchemaFormat, ResponseFormat
from understudy.v1.tool_pb2 import (
    ChunkingStrategy,
    CodeInterpreterResources,
    FileSearchRankingOptions,
    FileSearchResources,
    FileSearchTool,
    FunctionChoice,
    FunctionTool,
    NewFileSearchResources,
    NewToolResources,
    NewVectorStore,
    StaticChunking,
    Tool,
    ToolChoice,
    ToolResources,
)


def _tool(*tools: Tool) -> Message:
    return request_with("CreateAssistantRequest", tools=tools)


def _function(**fields: Any) -> Message:
    return _tool(Tool(code_interpreter=Empty()), Tool(function=FunctionTool(**fields)))


def _search(**fields: Any) -> Message:
    return _tool(Tool(file_search=FileSearchTool(**fields)))


def _format(**fields: Any) -> Message:
    schema = JsonSchemaFormat(**fields)
    return request_with("CreateRunRequest", response_format=ResponseFormat(json_schema=schema))


def _parts(*parts: InputPart) -> Message:
    content = MessageInput(parts=MessageInputParts(parts=parts))
    return request_with("CreateMessageRequest", content=content)


def _chunks(**fields: Any) -> Message:
    static = StaticChunking(**fields)
    return request_with("NewVectorStore", chunking_strategy=ChunkingStrategy(static=static))


def _resources(**fields: Any) -> Message:
    return request_with("ModifyThreadRequest", tool_resources=ToolResources(**fields))


def _new_search(**fields: Any) -> Message:
    resources = NewToolResources(file_search=NewFileSearchResources(**fields))
    return request_with("CreateThreadRequest", tool_resources=resources)


def _truncation(**fields: Any) -> Message:
    strategy = run_pb2.TruncationStrategy(**fields)
    return request_with("CreateRunRequest", truncation_strategy=strategy)


_EFFORTS = "'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'"
_ROLES = "'user', 'assistant', and 'system'"
_DETAILS = "'auto', 'low', and 'high'"
_INCLUDES = "'step_details.tool_calls[*].file_search.results[*].content'"
_STATUSES = (
    "'queued', 'in_progress', 'requires_action', 'cancelling', 'cancelled', 'failed',"
    " 'completed', 'incomplete', and 'expired'"
)


def rows() -> Iterator[Row]:
    yield from _rows_of_requests()
    yield from _rows_of_tools()
    yield from _rows_of_content()
    yield from _rows_of_run_parts()


def _rows_of_requests() -> Iterator[Row]:
    assistants = "CreateAssistantRequest", "ModifyAssistantRequest"
    runs = "CreateRunRequest", "CreateThreadAndRunRequest"
    for name in (*assistants, *runs):
        yield long_field(name, "model", 256)
        yield long_field(name, "instructions", 256_000)
        yield from out_of_bounds(name, "temperature", "decimal", ("0", -0.5), ("2", 3))
        yield from out_of_bounds(name, "top_p", "decimal", ("0", -1), ("1", 1.5))
    for name in assistants:
        yield long_field(name, "name", 256)
        yield long_field(name, "description", 512)
        many = [Tool(code_interpreter=Empty())] * 129
        yield too_many_items(
            f"{name}.tools:max_items", request_with(name, tools=many), "tools", 128
        )
    yield long_field("CreateRunRequest", "additional_instructions", 256_000)
    for name in runs:
        yield from out_of_bounds(name, "max_prompt_tokens", "integer", ("256", 255), None)
        yield from out_of_bounds(name, "max_completion_tokens", "integer", ("256", 0), None)
        yield missing(
            f"{name}.assistant_id:required", request_with(name, assistant_id=""), "assistant_id"
        )
    for name in (*runs, "SubmitToolOutputsRequest"):
        yield from out_of_bounds(name, "wait_timeout", "integer", ("1", 0), ("600", 601))
    for name in (*assistants, "CreateRunRequest"):
        request = request_with(name, reasoning_effort=99)
        yield unknown_enum(f"{name}.reasoning_effort:enum", request, "reasoning_effort", _EFFORTS)
    for message in VALID:
        name, fields = message.DESCRIPTOR.name, message.DESCRIPTOR.fields_by_name
        if "metadata" in fields:
            yield from bad_metadata(name)
        if "limit" in fields:
            yield from out_of_bounds(name, "limit", "integer", ("1", 0), ("100", 101))
            yield unknown_enum(
                f"{name}.order:enum", request_with(name, order=99), "order", "'asc' and 'desc'"
            )
        if "include" in fields:
            request = request_with(name, include=[1, 99])
            yield unknown_enum(f"{name}.include:enum", request, "include[1]", _INCLUDES)
    name = "CreateAssistantRequest"
    yield missing(f"{name}.model:required", request_with(name, model=""), "model")
    name = "ListProjectRunsRequest"
    yield unknown_enum(f"{name}.status:enum", request_with(name, status=99), "status", _STATUSES)
    request = run_pb2.SubmitToolOutputsRequest(tool_outputs=[run_pb2.ToolOutput(output="o")])
    param = "tool_outputs[0].tool_call_id"
    yield missing("ToolOutput.tool_call_id:required", request, param)


def _rows_of_tools() -> Iterator[Row]:
    yield missing("Tool.tool:oneof", _tool(Tool()), "tools[0].type")
    path = "tools[1].function"
    yield missing("FunctionTool.name:required", _function(), f"{path}.name")
    yield long_text("FunctionTool.name:max_length", _function(name="f" * 65), f"{path}.name", 64)
    yield unlike_pattern("FunctionTool.name:pattern", _function(name="f\n"), f"{path}.name")
    request = _function(name="f", parameters=b"[1]")
    yield not_an_object("FunctionTool.parameters:raw_json", request, f"{path}.parameters")
    path = "tools[0].file_search.ranking_options"
    for number in (51, 0):
        above = number > 1
        yield Row(
            limit=f"FileSearchTool.max_num_results:{'max' if above else 'min'}",
            request=_search(max_num_results=number),
            reason="INTEGER_ABOVE_MAX_VALUE" if above else "INTEGER_BELOW_MIN_VALUE",
            param="tools[0].file_search.max_num_results",
            message="Invalid 'tools[0].file_search.max_num_results': integer"
            f" {'above maximum' if above else 'below minimum'} value. Expected a value"
            f" {'<= 50' if above else '>= 1'}, but got {number} instead.",
        )
    request = _search(ranking_options=FileSearchRankingOptions())
    limit = "FileSearchRankingOptions.score_threshold"
    yield missing(f"{limit}:required", request, f"{path}.score_threshold")
    for score in (1.25, -0.25):
        above = score > 1
        yield Row(
            limit=f"{limit}:{'max' if above else 'min'}",
            request=_search(ranking_options=FileSearchRankingOptions(score_threshold=score)),
            reason="DECIMAL_ABOVE_MAX_VALUE" if above else "DECIMAL_BELOW_MIN_VALUE",
            param=f"{path}.score_threshold",
            message=f"Invalid '{path}.score_threshold': decimal"
            f" {'above maximum' if above else 'below minimum'} value. Expected a value"
            f" {'<= 1' if above else '>= 0'}, but got {score} instead.",
        )
    ranking = FileSearchRankingOptions(ranker=99, score_threshold=0)  # type: ignore[arg-type]  # on purpose
    request = _search(ranking_options=ranking)
    supported = "'auto' and 'default_2024_08_21'"
    yield unknown_enum("FileSearchRankingOptions.ranker:enum", request, f"{path}.ranker", supported)
    yield from _rows_of_resources()


def _rows_of_resources() -> Iterator[Row]:
    path = "tool_resources"
    files = CodeInterpreterResources(file_ids=["f"] * 21)
    param = f"{path}.code_interpreter.file_ids"
    limit = "CodeInterpreterResources.file_ids:max_items"
    yield too_many_items(limit, _resources(code_interpreter=files), param, 20)
    param = f"{path}.file_search.vector_store_ids"
    stores = FileSearchResources(vector_store_ids=["v"] * 2)
    limit = "FileSearchResources.vector_store_ids:max_items"
    yield too_many_items(limit, _resources(file_search=stores), param, 1)
    limit = "NewFileSearchResources.vector_store_ids:max_items"
    yield too_many_items(limit, _new_search(vector_store_ids=["v"] * 2), param, 1)
    param = f"{path}.file_search.vector_stores"
    request = _new_search(vector_stores=[NewVectorStore()] * 2)
    yield too_many_items("NewFileSearchResources.vector_stores:max_items", request, param, 1)
    request = request_with("NewVectorStore", file_ids=["f"] * 10_001)
    yield too_many_items(
        "NewVectorStore.file_ids:max_items", request, f"{param}[0].file_ids", 10_000
    )
    path = f"{param}[0].chunking_strategy"
    request = request_with("NewVectorStore", chunking_strategy=ChunkingStrategy())
    yield missing("ChunkingStrategy.strategy:oneof", request, f"{path}.type")
    for field, option, value, bound in (
        ("max_chunk_size_tokens", "max", 4_097, "<= 4096"),
        ("max_chunk_size_tokens", "min", 99, ">= 100"),
        ("chunk_overlap_tokens", "min", -1, ">= 0"),
        # Zero cannot be told from unset here, and it is refused where it is out of range.
        ("max_chunk_size_tokens", "required", 0, ">= 100"),
    ):
        above = option == "max"
        yield Row(
            limit=f"StaticChunking.{field}:{option}",
            request=_chunks(**{"max_chunk_size_tokens": 100, field: value}),
            reason="INTEGER_ABOVE_MAX_VALUE" if above else "INTEGER_BELOW_MIN_VALUE",
            param=f"{path}.static.{field}",
            message=f"Invalid '{path}.static.{field}': integer"
            f" {'above maximum' if above else 'below minimum'} value."
            f" Expected a value {bound}, but got {value} instead.",
        )


def _rows_of_content() -> Iterator[Row]:
    name = "CreateMessageRequest"
    for owner, path, change in (
        (name, "", partial(request_with, name)),
        ("NewMessage", "messages[0].", partial(request_with, "NewMessage")),
    ):
        yield missing(f"{owner}.role:required", change(role=0), f"{path}role")
        yield missing(f"{owner}.content:required", change(content=None), f"{path}content")
        yield unknown_enum(f"{owner}.role:enum", change(role=99), f"{path}role", _ROLES)
    long = "x" * 256_001
    request = request_with(name, content=MessageInput(text=long))
    yield long_text("MessageInput.text:max_length", request, "content", 256_000)
    request = request_with(name, content=MessageInput())
    yield missing("MessageInput.content:oneof", request, "content")
    yield Row(
        limit="MessageInputParts.parts:min_items",
        request=_parts(),
        reason="EMPTY_ARRAY",
        param="content",
        message="Invalid 'content': empty array. Expected an array with minimum length 1,"
        " but got an empty array instead.",
    )
    request = _parts(InputPart(text="a"), InputPart(text=long))
    yield long_text("InputPart.text:max_length", request, "content[1].text", 256_000)
    yield missing("InputPart.part:oneof", _parts(InputPart()), "content[0].type")
    file, url = content_pb2.ImageFile, content_pb2.ImageUrl
    request = _parts(InputPart(image_file=file()))
    yield missing("ImageFile.file_id:required", request, "content[0].image_file.file_id")
    request = _parts(InputPart(image_file=file(file_id="f", detail=99)))  # type: ignore[arg-type]  # on purpose
    yield unknown_enum("ImageFile.detail:enum", request, "content[0].image_file.detail", _DETAILS)
    request = _parts(InputPart(image_url=url()))
    yield missing("ImageUrl.url:required", request, "content[0].image_url.url")
    request = _parts(InputPart(image_url=url(url="u", detail=99)))  # type: ignore[arg-type]  # on purpose
    yield unknown_enum("ImageUrl.detail:enum", request, "content[0].image_url.detail", _DETAILS)
    attachment = message_pb2.Attachment(tools=[message_pb2.AttachmentTool()])
    request = request_with(name, attachments=[attachment])
    yield missing("AttachmentTool.tool:oneof", request, "attachments[0].tools[0].type")


def _rows_of_run_parts() -> Iterator[Row]:
    name = "CreateRunRequest"
    many = run_pb2.ToolList(tools=[Tool(code_interpreter=Empty())] * 129)
    yield too_many_items("ToolList.tools:max_items", request_with(name, tools=many), "tools", 128)
    yield missing("TruncationStrategy.type:required", _truncation(), "truncation_strategy.type")
    supported = "'auto' and 'last_messages'"
    request = _truncation(type=99)
    yield unknown_enum(
        "TruncationStrategy.type:enum", request, "truncation_strategy.type", supported
    )
    path = "truncation_strategy.last_messages"
    yield Row(
        limit="TruncationStrategy.last_messages:min",
        request=_truncation(type=run_pb2.TRUNCATION_TYPE_AUTO, last_messages=0),
        reason="INTEGER_BELOW_MIN_VALUE",
        param=path,
        message=f"Invalid '{path}': integer below minimum value."
        " Expected a value >= 1, but got 0 instead.",
    )
    request = request_with(name, tool_choice=ToolChoice())
    yield missing("ToolChoice.choice:oneof", request, "tool_choice")
    request = request_with(name, tool_choice=ToolChoice(mode=99))  # type: ignore[arg-type]  # on purpose
    yield unknown_enum(
        "ToolChoice.mode:enum", request, "tool_choice", "'none', 'auto', and 'required'"
    )
    request = request_with(name, tool_choice=ToolChoice(function=FunctionChoice()))
    yield missing("FunctionChoice.name:required", request, "tool_choice.function.name")
    request = request_with(name, response_format=ResponseFormat())
    yield missing("ResponseFormat.format:oneof", request, "response_format")
    request = request_with(name, response_format=ResponseFormat(mode=99))  # type: ignore[arg-type]  # on purpose
    yield unknown_enum("ResponseFormat.mode:enum", request, "response_format", "'auto'")
    path = "response_format.json_schema"
    yield missing("JsonSchemaFormat.name:required", _format(), f"{path}.name")
    yield long_text("JsonSchemaFormat.name:max_length", _format(name="n" * 65), f"{path}.name", 64)
    yield unlike_pattern("JsonSchemaFormat.name:pattern", _format(name="a b"), f"{path}.name")
    request = _format(name="n", schema=b"[]")
    yield not_an_object("JsonSchemaFormat.schema:raw_json", request, f"{path}.schema")
