"""Messages, and the JSON that the dialect asks for."""

import pytest
from google.protobuf import text_format
from google.protobuf.message import Message

from tests.edge.codec.served import CODEC
from understudy.v1 import (
    assistant_pb2,
    content_pb2,
    event_pb2,
    message_pb2,
    model_pb2,
    response_format_pb2,
    run_pb2,
    run_step_pb2,
    thread_pb2,
    tool_pb2,
    usage_pb2,
)

RANKING = '{"ranker":"default_2024_08_21","score_threshold":0.0,"hybrid_search":null}'

TABLE: list[tuple[type[Message], str, str]] = [
    # object after id, nulls, echoes, implicit zeros
    (
        assistant_pb2.Assistant,
        'id: "asst_1" created_at: 1761861537 model: "gpt-4o"',
        (
            '{"id":"asst_1","object":"assistant","created_at":1761861537,"name":null,"description":null,'
            '"model":"gpt-4o","instructions":null,"tools":[],"top_p":1.0,"temperature":1.0,'
            '"reasoning_effort":null,"tool_resources":{},"metadata":{},"response_format":"auto"}'
        ),
    ),
    # set values instead of echoes, falsy ones included; sorted maps; no escapes of non-ASCII
    (
        assistant_pb2.Assistant,
        (
            'id: "asst_1" name: "" instructions: "Grüße, 世界 \\" \\n" top_p: 0 temperature: 0.5 '
            'reasoning_effort: REASONING_EFFORT_XHIGH metadata { key: "z" value: "1" } '
            'metadata { key: "a" value: "2" } tool_resources { code_interpreter {} }'
        ),
        (
            '{"id":"asst_1","object":"assistant","created_at":0,"name":"","description":null,"model":"",'
            '"instructions":"Grüße, 世界 \\" \\n","tools":[],"top_p":0.0,"temperature":0.5,'
            '"reasoning_effort":"xhigh","tool_resources":{"code_interpreter":{"file_ids":[]}},'
            '"metadata":{"a":"2","z":"1"},"response_format":"auto"}'
        ),
    ),
    # an enum that is explicitly zero counts as unset
    (
        message_pb2.Message,
        'id: "msg_1" role: MESSAGE_ROLE_USER status: MESSAGE_STATUS_UNSPECIFIED',
        (
            '{"id":"msg_1","object":"thread.message","created_at":0,"assistant_id":null,"thread_id":"",'
            '"run_id":null,"incomplete_details":null,"incomplete_at":null,"completed_at":null,'
            '"role":"user","content":[],"attachments":[],"metadata":{}}'
        ),
    ),
    (
        assistant_pb2.DeleteAssistantResponse,
        'id: "asst_1" deleted: true',
        '{"id":"asst_1","object":"assistant.deleted","deleted":true}',
    ),
    # object first where there is no id
    (model_pb2.ListModelsResponse, "", '{"object":"list","data":[]}'),
    (
        thread_pb2.ListThreadsResponse,
        "",
        '{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}',
    ),
    # tools: an empty branch is only its tag; raw JSON byte for byte; echoes inside
    (tool_pb2.Tool, "code_interpreter {}", '{"type":"code_interpreter"}'),
    (
        tool_pb2.Tool,
        "file_search {}",
        f'{{"type":"file_search","file_search":{{"ranking_options":{RANKING}}}}}',
    ),
    (
        tool_pb2.Tool,
        (
            "file_search { max_num_results: 5 ranking_options { ranker: FILE_SEARCH_RANKER_AUTO "
            "score_threshold: 0.5 } }"
        ),
        (
            '{"type":"file_search","file_search":{"max_num_results":5,"ranking_options":'
            '{"ranker":"auto","score_threshold":0.5,"hybrid_search":null}}}'
        ),
    ),
    (
        tool_pb2.Tool,
        'function { name: "f" }',
        (
            '{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}},'
            '"strict":false}}'
        ),
    ),
    (
        tool_pb2.Tool,
        'function { name: "f" description: "d" parameters: "{ \\"b\\": 1.0e2, \\"a\\":[ ]}" strict: true }',
        (
            '{"type":"function","function":{"name":"f","description":"d","parameters":'
            '{ "b": 1.0e2, "a":[ ]},"strict":true}}'
        ),
    ),
    (
        tool_pb2.FunctionTool,
        'name: "f" parameters: ""',
        '{"name":"f","parameters":{"type":"object","properties":{}},"strict":false}',
    ),
    # inline unions: enum word, tag alone, tag and branch
    (tool_pb2.ToolChoice, "mode: TOOL_CHOICE_MODE_REQUIRED", '"required"'),
    (tool_pb2.ToolChoice, "file_search {}", '{"type":"file_search"}'),
    (
        tool_pb2.ToolChoice,
        'function { name: "f" }',
        '{"type":"function","function":{"name":"f"}}',
    ),
    (response_format_pb2.ResponseFormat, "mode: RESPONSE_FORMAT_MODE_AUTO", '"auto"'),
    (response_format_pb2.ResponseFormat, "json_object {}", '{"type":"json_object"}'),
    (
        response_format_pb2.ResponseFormat,
        'json_schema { name: "n" schema: "{}" }',
        '{"type":"json_schema","json_schema":{"name":"n","schema":{}}}',
    ),
    # a union that is present without a branch shows what an unset one shows
    (
        run_pb2.CreateRunRequest,
        "tool_choice {} tools {} response_format {}",
        '{"thread_id":"","assistant_id":"","additional_messages":[],"tools":[],"metadata":{}}',
    ),
    (
        run_pb2.CreateRunRequest,
        "include: RUN_STEP_INCLUDE_FILE_SEARCH_RESULT_CONTENT",
        '{"thread_id":"","assistant_id":"","additional_messages":[],"metadata":{}}',
    ),
    # a word of its own
    (
        run_step_pb2.GetRunStepRequest,
        'run_id: "r" include: RUN_STEP_INCLUDE_FILE_SEARCH_RESULT_CONTENT',
        '{"thread_id":"","run_id":"r","step_id":"","include":["step_details.tool_calls[*].file_search.results[*].content"]}',
    ),
    # inline string or array
    (content_pb2.MessageInput, 'text: ""', '""'),
    (
        content_pb2.MessageInput,
        'parts { parts { text: "x" } parts { image_file { file_id: "file-1" } } }',
        '[{"type":"text","text":"x"},{"type":"image_file","image_file":{"file_id":"file-1","detail":"auto"}}]',
    ),
    (content_pb2.MessageInput, "parts {}", "[]"),
    # content parts: scalar and message branches
    (content_pb2.ContentPart, 'refusal: "no"', '{"type":"refusal","refusal":"no"}'),
    (
        content_pb2.ContentPart,
        'image_url { url: "http://x/y.png" detail: IMAGE_DETAIL_LOW }',
        '{"type":"image_url","image_url":{"url":"http://x/y.png","detail":"low"}}',
    ),
    # a tag at another place than its branch
    (
        content_pb2.Annotation,
        'text: "t" start_index: 1 end_index: 2 file_path { file_id: "file-1" }',
        '{"type":"file_path","text":"t","start_index":1,"end_index":2,"file_path":{"file_id":"file-1"}}',
    ),
    (
        event_pb2.AnnotationDelta,
        'index: 0 text: "t" start_index: 1 end_index: 2 file_citation { file_id: "f" quote: "" }',
        (
            '{"index":0,"type":"file_citation","text":"t","start_index":1,"end_index":2,'
            '"file_citation":{"file_id":"f","quote":""}}'
        ),
    ),
    # siblings of a tag
    (
        run_step_pb2.ToolCallDelta,
        'index: 1 id: "call_1" function { name: "f" arguments: "" output { null: NULL_VALUE } }',
        '{"index":1,"id":"call_1","type":"function","function":{"name":"f","arguments":"","output":null}}',
    ),
    (
        run_step_pb2.ToolCallDelta,
        'index: 1 function { arguments: "{" }',
        '{"index":1,"type":"function","function":{"arguments":"{"}}',
    ),
    (
        run_step_pb2.ToolCallDelta,
        (
            "index: 0 code_interpreter { outputs { outputs { index: 0 logs: '1' } "
            "outputs { index: 1 image { file_id: 'f' } } } }"
        ),
        (
            '{"index":0,"type":"code_interpreter","code_interpreter":{"outputs":'
            '[{"index":0,"type":"logs","logs":"1"},{"index":1,"type":"image","image":{"file_id":"f"}}]}}'
        ),
    ),
    (
        run_step_pb2.ToolCallDelta,
        "index: 0 code_interpreter { input: '' outputs {} }",
        '{"index":0,"type":"code_interpreter","code_interpreter":{"input":"","outputs":[]}}',
    ),
    (run_step_pb2.NullableString, "null: NULL_VALUE", "null"),
    (run_step_pb2.NullableString, 'text: "x"', '"x"'),
    # an inline array as a branch
    (
        run_step_pb2.StepDetails,
        "tool_calls {}",
        '{"type":"tool_calls","tool_calls":[]}',
    ),
    (
        run_step_pb2.StepDetails,
        'tool_calls { tool_calls { id: "c" function { name: "f" arguments: "{}" } } }',
        (
            '{"type":"tool_calls","tool_calls":[{"id":"c","type":"function","function":'
            '{"name":"f","arguments":"{}","output":null}}]}'
        ),
    ),
    (
        run_step_pb2.StepDetails,
        'message_creation { message_id: "m" }',
        '{"type":"message_creation","message_creation":{"message_id":"m"}}',
    ),
    # maps of string, number or boolean
    (
        run_step_pb2.FileSearchResult,
        (
            "file_id: 'f' file_name: 'n' score: 1 attributes { key: 'b' value { number: 1 } } "
            "attributes { key: 'a' value { text: 'x' } } attributes { key: 'c' value { boolean: false } }"
        ),
        '{"file_id":"f","file_name":"n","score":1.0,"attributes":{"a":"x","b":1.0,"c":false}}',
    ),
    (
        run_pb2.RequiredAction,
        'submit_tool_outputs { tool_calls { id: "c" function { name: "f" arguments: "{}" } } }',
        (
            '{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"c",'
            '"type":"function","function":{"name":"f","arguments":"{}"}}]}}'
        ),
    ),
    (
        usage_pb2.Usage,
        (
            "prompt_tokens: 9223372036854775807 completion_tokens: 2 total_tokens: 3 "
            "prompt_token_details {} completion_tokens_details { reasoning_tokens: 1 }"
        ),
        (
            '{"prompt_tokens":9223372036854775807,"completion_tokens":2,"total_tokens":3,'
            '"prompt_token_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":1}}'
        ),
    ),
    # an update mask is not part of the JSON
    (
        thread_pb2.ModifyThreadRequest,
        'thread_id: "t" update_mask { paths: "metadata" }',
        '{"thread_id":"t","metadata":{}}',
    ),
]


@pytest.mark.parametrize(("message_class", "text", "json"), TABLE)
def test_encodes(message_class: type[Message], text: str, json: str) -> None:
    message = text_format.Parse(text, message_class())
    assert CODEC.encode(message).decode() == json


def test_unknown_enum_number_is_refused() -> None:
    run = run_pb2.Run()
    run.MergeFromString(b"\x28\x63")  # status = 99, as a newer core might send it
    with pytest.raises(ValueError, match="status: no word for the enum value 99"):
        CODEC.encode(run)


def test_encoded_values_belong_to_the_caller() -> None:
    empty = assistant_pb2.Assistant()
    value = CODEC.encode_value(empty)
    value["tools"].append("mine")
    value["metadata"]["mine"] = "x"
    assert CODEC.encode_value(empty)["tools"] == []
    assert CODEC.encode_value(empty)["metadata"] == {}


def test_every_event_has_its_name() -> None:
    union = event_pb2.RunEvent.DESCRIPTOR.oneofs_by_name["event"]
    objects = {"thread", "thread.run", "thread.run.step", "thread.message"}
    for field in union.fields:
        event = event_pb2.RunEvent()
        getattr(event, field.name).id = "x"
        name, payload = CODEC.encode_event(event)
        assert name.removeprefix("thread.").replace(".", "_").removeprefix("run_step") in field.name
        assert payload == CODEC.encode(getattr(event, field.name))
        assert any(f'"object":"{word}'.encode() in payload for word in objects)


def test_event_payload_is_one_line_whatever_raw_json_holds() -> None:
    event = event_pb2.RunEvent()
    event.run_created.tools.add().function.parameters = b'{\r\n "a": "\\n" }'
    _, payload = CODEC.encode_event(event)
    assert b'{   "a": "\\n" }' in payload
    assert not {b"\r", b"\n"} & set(payload.split())
    assert payload.splitlines() == [payload]


def test_event_without_a_branch_is_refused() -> None:
    with pytest.raises(ValueError, match="no event is set"):
        CODEC.encode_event(event_pb2.RunEvent(id="1-1"))
