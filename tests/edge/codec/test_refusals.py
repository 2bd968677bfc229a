"""JSON that is refused, and in which words."""

import pytest
from google.protobuf.message import Message

from tests.edge.codec.served import CODEC
from understudy.v1 import assistant_pb2, message_pb2, run_pb2, run_step_pb2, thread_pb2
from understudy_edge.problems import Problem

CREATE_ASSISTANT = assistant_pb2.CreateAssistantRequest
MODIFY_ASSISTANT = assistant_pb2.ModifyAssistantRequest
CREATE_MESSAGE = message_pb2.CreateMessageRequest
CREATE_RUN = run_pb2.CreateRunRequest
SUBMIT = run_pb2.SubmitToolOutputsRequest
RESULT = run_step_pb2.FileSearchResult
THREAD = thread_pb2.Thread


def missing(param: str) -> Problem:
    return Problem("MISSING_REQUIRED_PARAMETER", f"Missing required parameter: '{param}'.", param)


def unknown(param: str) -> Problem:
    return Problem("UNKNOWN_PARAMETER", f"Unknown parameter: '{param}'.", param)


def mistyped(param: str | None, expected: str, got: str) -> Problem:
    place = "" if param is None else f" for '{param}'"
    text = f"Invalid type{place}: expected {expected}, but got {got} instead."
    return Problem("INVALID_TYPE", text, param)


def unsupported(param: str, value: str, words: str) -> Problem:
    text = f"Invalid value: '{value}'. Supported values are: {words}."
    return Problem("INVALID_VALUE", text, param)


def out_of_range(reason: str, param: str, side: str, bound: str, value: str) -> Problem:
    text = f"Invalid '{param}': integer {side} value. Expected a value {bound}, but got {value} instead."
    return Problem(reason, text, param)


TABLE: list[tuple[type[Message], str, Problem]] = [
    (CREATE_ASSISTANT, "", missing("model")),
    (CREATE_ASSISTANT, "{}", missing("model")),
    (CREATE_RUN, "{}", missing("assistant_id")),
    (CREATE_MESSAGE, '{"role":"user"}', missing("content")),
    (SUBMIT, "{}", missing("tool_outputs")),
    (SUBMIT, '{"tool_outputs":[{"tool_call_id":"c"},{}]}', missing("tool_outputs[1].tool_call_id")),
    (CREATE_ASSISTANT, '{"model":"m","tools":[{}]}', missing("tools[0].type")),
    (CREATE_ASSISTANT, '{"model":"m","tools":[{"type":"function"}]}', missing("tools[0].function")),
    (
        CREATE_ASSISTANT,
        '{"model":"m","tools":[{"type":"function","function":{}}]}',
        missing("tools[0].function.name"),
    ),
    (CREATE_MESSAGE, '{"role":"user","content":[{"type":"text"}]}', missing("content[0].text")),
    (CREATE_ASSISTANT, '{"model":"m","response_format":{}}', missing("response_format.type")),
    (CREATE_ASSISTANT, '{"model":"m","foo":1}', unknown("foo")),
    (CREATE_ASSISTANT, '{"model":"m","foo":null}', unknown("foo")),
    (CREATE_ASSISTANT, '{"model":"m","":1}', unknown("")),
    (CREATE_ASSISTANT, '{"object":"assistant"}', unknown("object")),
    (MODIFY_ASSISTANT, '{"update_mask":[]}', unknown("update_mask")),
    (CREATE_RUN, '{"include":[]}', unknown("include")),
    (CREATE_RUN, '{"thread_id":"t"}', unknown("thread_id")),
    (
        CREATE_ASSISTANT,
        '{"model":"m","tools":[{"type":"code_interpreter","foo":1}]}',
        unknown("tools[0].foo"),
    ),
    (
        CREATE_ASSISTANT,
        '{"model":"m","tools":[{"type":"code_interpreter","code_interpreter":{}}]}',
        unknown("tools[0].code_interpreter"),
    ),
    (
        CREATE_ASSISTANT,
        '{"model":"m","tools":[{"type":"file_search","function":{"name":"f"}}]}',
        unknown("tools[0].function"),
    ),
    (
        CREATE_ASSISTANT,
        '{"model":"m","response_format":{"type":"text","mode":"auto"}}',
        unknown("response_format.mode"),
    ),
    (
        MODIFY_ASSISTANT,
        '{"tool_resources":{"file_search":{"vector_stores":[]}}}',
        unknown("tool_resources.file_search.vector_stores"),
    ),
    (CREATE_ASSISTANT, "[]", mistyped(None, "an object", "an array")),
    (CREATE_ASSISTANT, "null", mistyped(None, "an object", "null")),
    (CREATE_ASSISTANT, '{"model":null}', mistyped("model", "a string", "null")),
    (MODIFY_ASSISTANT, '{"model":null}', mistyped("model", "a string", "null")),
    (CREATE_ASSISTANT, '{"model":"m","name":5}', mistyped("name", "a string", "an integer")),
    (
        CREATE_ASSISTANT,
        '{"model":"m","temperature":"hot"}',
        mistyped("temperature", "a decimal number", "a string"),
    ),
    (
        CREATE_ASSISTANT,
        '{"model":"m","temperature":true}',
        mistyped("temperature", "a decimal number", "a boolean"),
    ),
    (
        CREATE_RUN,
        '{"max_prompt_tokens":256.0}',
        mistyped("max_prompt_tokens", "an integer", "a decimal number"),
    ),
    (
        CREATE_RUN,
        '{"max_prompt_tokens":true}',
        mistyped("max_prompt_tokens", "an integer", "a boolean"),
    ),
    (CREATE_RUN, '{"stream":1}', mistyped("stream", "a boolean", "an integer")),
    (
        CREATE_ASSISTANT,
        '{"model":"m","tools":{}}',
        mistyped("tools", "an array of objects", "an object"),
    ),
    (CREATE_RUN, '{"tools":"x"}', mistyped("tools", "an array of objects", "a string")),
    (CREATE_ASSISTANT, '{"model":"m","tools":[null]}', mistyped("tools[0]", "an object", "null")),
    (
        CREATE_ASSISTANT,
        '{"model":"m","tools":[{"type":1}]}',
        mistyped("tools[0].type", "a string", "an integer"),
    ),
    (
        CREATE_ASSISTANT,
        '{"model":"m","tools":[{"type":"function","function":{"name":"f","parameters":"{}"}}]}',
        mistyped("tools[0].function.parameters", "an object", "a string"),
    ),
    (
        CREATE_ASSISTANT,
        '{"model":"m","tools":[{"type":"file_search","file_search":{"ranking_options":{"hybrid_search":1}}}]}',
        mistyped("tools[0].file_search.ranking_options.hybrid_search", "null", "an integer"),
    ),
    (
        CREATE_MESSAGE,
        '{"role":"user","content":5}',
        mistyped("content", "one of an array of objects or string", "an integer"),
    ),
    (
        CREATE_MESSAGE,
        '{"role":"user","content":null}',
        mistyped("content", "one of an array of objects or string", "null"),
    ),
    (
        CREATE_MESSAGE,
        '{"role":"user","content":["x"]}',
        mistyped("content[0]", "an object", "a string"),
    ),
    (
        CREATE_MESSAGE,
        '{"role":"user","content":[{"type":"text","text":{"value":"x"}}]}',
        mistyped("content[0].text", "a string", "an object"),
    ),
    (
        CREATE_RUN,
        '{"tool_choice":[]}',
        mistyped("tool_choice", "one of an object or string", "an array"),
    ),
    (CREATE_ASSISTANT, '{"metadata":{"k":1}}', mistyped("metadata.k", "a string", "an integer")),
    (CREATE_ASSISTANT, '{"metadata":{"k":null}}', mistyped("metadata.k", "a string", "null")),
    (CREATE_ASSISTANT, '{"metadata":[]}', mistyped("metadata", "an object", "an array")),
    (
        CREATE_ASSISTANT,
        '{"tool_resources":{"code_interpreter":{"file_ids":"f"}}}',
        mistyped("tool_resources.code_interpreter.file_ids", "an array of strings", "a string"),
    ),
    (
        CREATE_ASSISTANT,
        '{"tool_resources":{"code_interpreter":{"file_ids":["f",1]}}}',
        mistyped("tool_resources.code_interpreter.file_ids[1]", "a string", "an integer"),
    ),
    (
        RESULT,
        '{"attributes":{"k":[]}}',
        mistyped("attributes.k", "one of a boolean, decimal number, or string", "an array"),
    ),
    (
        CREATE_ASSISTANT,
        '{"model":"m","tools":[{"type":"retrieval"}]}',
        unsupported(
            "tools[0].type", "retrieval", "'code_interpreter', 'function', and 'file_search'"
        ),
    ),
    (
        CREATE_MESSAGE,
        '{"role":"tool","content":"x"}',
        unsupported("role", "tool", "'user', 'assistant', and 'system'"),
    ),
    (
        CREATE_RUN,
        '{"truncation_strategy":{"type":"x"}}',
        unsupported("truncation_strategy.type", "x", "'auto' and 'last_messages'"),
    ),
    (
        CREATE_RUN,
        '{"tool_choice":"unspecified"}',
        unsupported("tool_choice", "unspecified", "'none', 'auto', and 'required'"),
    ),
    (
        CREATE_RUN,
        '{"tool_choice":{"type":"auto"}}',
        unsupported(
            "tool_choice.type", "auto", "'function', 'code_interpreter', and 'file_search'"
        ),
    ),
    (
        CREATE_ASSISTANT,
        '{"response_format":"text"}',
        unsupported("response_format", "text", "'auto'"),
    ),
    (THREAD, '{"object":"thread.run"}', unsupported("object", "thread.run", "'thread'")),
    (
        CREATE_RUN,
        '{"wait_timeout":2147483648}',
        out_of_range(
            "INTEGER_ABOVE_MAX_VALUE", "wait_timeout", "above maximum", "<= 600", "2147483648"
        ),
    ),
    (
        CREATE_RUN,
        '{"max_prompt_tokens":-2147483649}',
        out_of_range(
            "INTEGER_BELOW_MIN_VALUE", "max_prompt_tokens", "below minimum", ">= 256", "-2147483649"
        ),
    ),
    (
        THREAD,
        '{"created_at":9223372036854775808}',
        out_of_range(
            "INTEGER_ABOVE_MAX_VALUE",
            "created_at",
            "above maximum",
            "<= 9223372036854775807",
            "9223372036854775808",
        ),
    ),
    (
        THREAD,
        '{"created_at":-36893488147419103232}',
        out_of_range(
            "INTEGER_BELOW_MIN_VALUE",
            "created_at",
            "below minimum",
            ">= -9223372036854775808",
            "-36893488147419103232",
        ),
    ),
]

NOT_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
    "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you "
    "have trouble figuring out how to fix this, please contact us through our help center at help.openai.com.)"
)


@pytest.mark.parametrize(("message_class", "body", "problem"), TABLE)
def test_refuses(message_class: type[Message], body: str, problem: Problem) -> None:
    with pytest.raises(Problem) as caught:
        CODEC.decode_body(message_class, body.encode(), bound=frozenset({"thread_id"}))
    assert caught.value == problem


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b'{"model": NaN}',
        b'{"model": "\xff"}',
        b'{"model": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"[" * 2000 + b"]" * 2000,
        b'{"temperature": 1e999}',
    ],
)
def test_refuses_what_is_not_json(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        CODEC.decode_body(CREATE_ASSISTANT, body)
    assert caught.value == Problem("INVALID_JSON", NOT_JSON, None)


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ({"model": "\ud800"}, "model"),
        ({"metadata": {"k": "x\udfff"}}, "metadata.k"),
        ({"metadata": {"\ud800": "x"}}, "metadata.?"),
        (
            {"tool_resources": {"code_interpreter": {"file_ids": ["\ud800"]}}},
            "tool_resources.code_interpreter.file_ids[0]",
        ),
    ],
)
def test_lone_surrogates_are_refused(value: object, param: str) -> None:
    with pytest.raises(Problem) as caught:
        CODEC.decode(CREATE_ASSISTANT, value)
    assert (caught.value.reason, caught.value.param) == ("INVALID_VALUE", param)
    assert caught.value.message.encode()
