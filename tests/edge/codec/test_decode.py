"""JSON, and the message or the refusal that comes of it."""

import pytest
from google.protobuf import text_format
from google.protobuf.message import Message

from tests.edge.codec.served import CODEC
from understudy.v1 import (
    assistant_pb2,
    message_pb2,
    run_pb2,
    run_step_pb2,
    thread_pb2,
)

CREATE_ASSISTANT = assistant_pb2.CreateAssistantRequest
MODIFY_ASSISTANT = assistant_pb2.ModifyAssistantRequest
CREATE_MESSAGE = message_pb2.CreateMessageRequest
CREATE_RUN = run_pb2.CreateRunRequest
SUBMIT = run_pb2.SubmitToolOutputsRequest

ACCEPTED: list[tuple[type[Message], str, str]] = [
    (CREATE_ASSISTANT, '{"model": "m"}', 'model: "m"'),
    # null is leaving out
    (
        CREATE_ASSISTANT,
        (
            '{"model":"m","name":null,"tools":null,"metadata":null,"temperature":null,'
            '"tool_resources":null,"response_format":null,"reasoning_effort":null}'
        ),
        'model: "m"',
    ),
    # the last of two equal keys counts
    (CREATE_ASSISTANT, '{"model":"a","model":"b"}', 'model: "b"'),
    # falsy values are values
    (
        CREATE_ASSISTANT,
        '{"model":"m","name":"","temperature":0,"top_p":0.0}',
        'model: "m" name: "" temperature: 0 top_p: 0',
    ),
    (
        CREATE_ASSISTANT,
        '{"model":"m","reasoning_effort":"none","metadata":{"b":"1","a":""}}',
        (
            'model: "m" reasoning_effort: REASONING_EFFORT_NONE metadata { key: "b" value: "1" } '
            'metadata { key: "a" value: "" }'
        ),
    ),
    # tools, with and without their branch
    (
        CREATE_ASSISTANT,
        (
            '{"model":"m","tools":[{"type":"code_interpreter"},{"type":"file_search"},'
            '{"type":"file_search","file_search":{}},{"type":"file_search","file_search":null},'
            '{"file_search":{"ranking_options":{"score_threshold":0,"hybrid_search":null}},"type":"file_search"}]}'
        ),
        (
            'model: "m" tools { code_interpreter {} } tools { file_search {} } tools { file_search {} } '
            "tools { file_search {} } tools { file_search { ranking_options { score_threshold: 0 } } }"
        ),
    ),
    # a branch that the tag does not name may be null
    (
        CREATE_ASSISTANT,
        '{"model":"m","tools":[{"type":"code_interpreter","function":null,"code_interpreter":null}]}',
        'model: "m" tools { code_interpreter {} }',
    ),
    (
        CREATE_ASSISTANT,
        '{"model":"m","tools":[{"type":"function","function":{"name":"f","parameters":null,"strict":null}}]}',
        'model: "m" tools { function { name: "f" } }',
    ),
    # inline unions
    (
        CREATE_ASSISTANT,
        '{"model":"m","response_format":"auto"}',
        'model: "m" response_format { mode: RESPONSE_FORMAT_MODE_AUTO }',
    ),
    (
        CREATE_ASSISTANT,
        '{"model":"m","response_format":{"type":"json_object"}}',
        'model: "m" response_format { json_object {} }',
    ),
    (
        CREATE_ASSISTANT,
        '{"model":"m","response_format":{"type":"json_schema","json_schema":{"name":"n"}}}',
        'model: "m" response_format { json_schema { name: "n" } }',
    ),
    (
        CREATE_ASSISTANT,
        (
            '{"model":"m","tool_resources":{"file_search":{"vector_stores":[{"file_ids":["f"],'
            '"chunking_strategy":{"type":"static","static":{"max_chunk_size_tokens":800,'
            '"chunk_overlap_tokens":400}}},{"chunking_strategy":{"type":"auto"}}]}}}'
        ),
        (
            'model: "m" tool_resources { file_search { vector_stores { file_ids: "f" chunking_strategy '
            "{ static { max_chunk_size_tokens: 800 chunk_overlap_tokens: 400 } } } "
            "vector_stores { chunking_strategy { auto {} } } } }"
        ),
    ),
    (
        CREATE_MESSAGE,
        '{"role":"user","content":"hello"}',
        'role: MESSAGE_ROLE_USER content { text: "hello" }',
    ),
    (
        CREATE_MESSAGE,
        (
            '{"role":"user","content":[{"type":"text","text":"x"},'
            '{"type":"image_file","image_file":{"file_id":"f","detail":"high"}}]}'
        ),
        (
            'role: MESSAGE_ROLE_USER content { parts { parts { text: "x" } '
            'parts { image_file { file_id: "f" detail: IMAGE_DETAIL_HIGH } } } }'
        ),
    ),
    (
        CREATE_MESSAGE,
        '{"role":"user","content":[],"attachments":[{"file_id":"f","tools":[{"type":"file_search"}]}]}',
        'role: MESSAGE_ROLE_USER content { parts {} } attachments { file_id: "f" tools { file_search {} } }',
    ),
    (CREATE_RUN, '{"assistant_id":"a","tools":[]}', 'assistant_id: "a" tools {}'),
    (
        CREATE_RUN,
        (
            '{"assistant_id":"a","tool_choice":"none","truncation_strategy":{"type":"auto","last_messages":null},'
            '"stream":true,"max_prompt_tokens":256}'
        ),
        (
            'assistant_id: "a" tool_choice { mode: TOOL_CHOICE_MODE_NONE } '
            "truncation_strategy { type: TRUNCATION_TYPE_AUTO } stream: true max_prompt_tokens: 256"
        ),
    ),
    (
        CREATE_RUN,
        '{"assistant_id":"a","tool_choice":{"type":"function","function":{"name":"f"}}}',
        'assistant_id: "a" tool_choice { function { name: "f" } }',
    ),
    (SUBMIT, '{"tool_outputs":[]}', ""),
    (
        SUBMIT,
        '{"tool_outputs":[{"tool_call_id":"c","output":null}],"stream":null}',
        'tool_outputs { tool_call_id: "c" }',
    ),
    # responses, as clients and tests read them
    (thread_pb2.Thread, '{"id":"t","object":"thread","created_at":1}', 'id: "t" created_at: 1'),
    (run_step_pb2.NullableString, "null", "null: NULL_VALUE"),
    (run_step_pb2.NullableString, '"x"', 'text: "x"'),
    (run_step_pb2.FunctionCallDelta, '{"output":null}', "output { null: NULL_VALUE }"),
    (
        run_step_pb2.FileSearchResult,
        '{"attributes":{"a":"x","b":1,"c":true}}',
        (
            'attributes { key: "a" value { text: "x" } } attributes { key: "b" value { number: 1 } } '
            'attributes { key: "c" value { boolean: true } }'
        ),
    ),
]


@pytest.mark.parametrize(("message_class", "body", "text"), ACCEPTED)
def test_accepts(message_class: type[Message], body: str, text: str) -> None:
    expected = text_format.Parse(text, message_class())
    assert CODEC.decode_body(message_class, body.encode()) == expected


def test_update_mask_names_the_keys_of_the_body_and_null_clears() -> None:
    body = b'{"name":null,"metadata":{},"model":"m"}'
    message = CODEC.decode_body(MODIFY_ASSISTANT, body, bound=frozenset({"assistant_id"}))
    assert list(message.update_mask.paths) == ["name", "metadata", "model"]
    assert not message.HasField("name")


def test_update_mask_of_an_empty_body_is_empty() -> None:
    assert CODEC.decode_body(MODIFY_ASSISTANT, b"") == MODIFY_ASSISTANT()


def test_raw_json_is_kept_byte_for_byte() -> None:
    raw = b'{ "b" : 1.0e2,\n\t"a":12345678901234567890123, "\\u00e9": "\\"}", "a": [ {} ] }'
    body = (
        b'{"tools":[{"type":"function","function":{"name":"f","parameters": %b }}],"model":"m"}'
        % raw
    )
    message = CODEC.decode_body(CREATE_ASSISTANT, body)
    assert message.tools[0].function.parameters == raw
    assert raw in CODEC.encode(message)


def test_a_parsed_value_has_lost_the_bytes_but_not_the_order() -> None:
    function = {"name": "f", "parameters": {"b": 1, "a": 1.0}}
    value = {"model": "m", "tools": [{"type": "function", "function": function}]}
    message = CODEC.decode(CREATE_ASSISTANT, value)
    assert message.tools[0].function.parameters == b'{"b":1,"a":1.0}'
