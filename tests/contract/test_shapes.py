"""Every object whole: its keys in their order, and what they hold when nobody said anything."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.contract.client import Api

_ID = r"{}_[0-9A-Za-z]{{24}}"

ASSISTANT = (
    '{"id":"asst_","object":"assistant","created_at":0,"name":null,"description":null,'
    '"model":"demo/demo","instructions":null,"tools":[],"top_p":1.0,"temperature":1.0,'
    '"reasoning_effort":null,"tool_resources":{},"metadata":{},"response_format":"auto"}'
)
THREAD = '{"id":"thread_","object":"thread","created_at":0,"metadata":{},"tool_resources":{}}'
MESSAGE = (
    '{"id":"msg_","object":"thread.message","created_at":0,"assistant_id":null,'
    '"thread_id":"thread_","run_id":null,"status":"completed","incomplete_details":null,'
    '"incomplete_at":null,"completed_at":0,"role":"user","content":[{"type":"text","text":'
    '{"value":"hi","annotations":[]}}],"attachments":[],"metadata":{}}'
)
RUN = (
    '{"id":"run_","object":"thread.run","created_at":0,"assistant_id":"asst_",'
    '"thread_id":"thread_","status":"queued","started_at":null,"expires_at":600,'
    '"cancelled_at":null,"failed_at":null,"completed_at":null,"required_action":null,'
    '"last_error":null,"model":"demo/demo","instructions":null,"tools":[],"tool_resources":{},'
    '"metadata":{},"temperature":1.0,"top_p":1.0,"reasoning_effort":null,'
    '"max_completion_tokens":null,"max_prompt_tokens":null,"truncation_strategy":{"type":"auto",'
    '"last_messages":null},"incomplete_details":null,"usage":null,"response_format":"auto",'
    '"tool_choice":"auto","parallel_tool_calls":true}'
)
USAGE = (
    '{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"prompt_token_details":'
    '{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}'
)
STEP = (
    '{"id":"step_","object":"thread.run.step","created_at":0,"run_id":"run_",'
    '"assistant_id":"asst_","thread_id":"thread_","type":"message_creation","status":"completed",'
    '"cancelled_at":null,"completed_at":0,"expires_at":null,"expired_at":null,"failed_at":null,'
    '"last_error":null,"step_details":{"type":"message_creation","message_creation":'
    '{"message_id":"msg_"}},"usage":' + USAGE + ',"metadata":{}}'
)


def _bare(body: bytes, now: int) -> str:
    """The bytes with ids, times relative to ``now``, and counts of tokens made alike."""
    text = re.sub(r'"(asst|thread|msg|run|step)_[0-9A-Za-z]{24}"', r'"\1_"', body.decode())
    text = re.sub(r'(_tokens":)\d+', r"\g<1>0", text)
    return re.sub(r'(_at":)(\d+)', lambda m: f"{m[1]}{_near(int(m[2]) - now)}", text)


def _near(seconds: int) -> int:
    return 0 if -5 < seconds < 30 else 600 if 595 < seconds < 630 else seconds


async def _made(api: Api, path: str, body: Any) -> tuple[str, dict[str, Any]]:
    answer = await api.call("POST", path, body)
    assert answer.status == 200, answer.body
    return _bare(answer.body, answer.value["created_at"]), answer.value


async def _read(api: Api, path: str, now: int) -> str:
    return _bare((await api.call("GET", path)).body, now)


async def test_assistant(api: Api) -> None:
    text, assistant = await _made(api, "/assistants", {"model": "demo/demo"})
    assert text == ASSISTANT
    path, now = f"/assistants/{assistant['id']}", assistant["created_at"]
    assert re.fullmatch(_ID.format("asst"), assistant["id"])
    assert await _read(api, path, now) == ASSISTANT
    page = await _read(api, "/assistants", now)
    ends = '"first_id":"asst_","last_id":"asst_","has_more":false}'
    assert page == f'{{"object":"list","data":[{ASSISTANT}],{ends}'
    gone = await api.call("DELETE", path)
    assert _bare(gone.body, 0) == '{"id":"asst_","object":"assistant.deleted","deleted":true}'


async def test_thread(api: Api) -> None:
    for raw in (None, b"", b"{}"):
        answer = await api.call("POST", "/threads", raw=raw)
        assert _bare(answer.body, answer.value["created_at"]) == THREAD
        path = f"/threads/{answer.value['id']}"
        assert await _read(api, path, answer.value["created_at"]) == THREAD
    gone = await api.call("DELETE", path)
    assert _bare(gone.body, 0) == '{"id":"thread_","object":"thread.deleted","deleted":true}'
    assert (await api.call("GET", path)).status == 404


async def test_message(api: Api) -> None:
    thread = await api.thread()
    path = f"/threads/{thread['id']}/messages"
    text, message = await _made(api, path, {"role": "user", "content": "hi"})
    assert text == MESSAGE
    assert re.fullmatch(_ID.format("msg"), message["id"])
    assert await _read(api, f"{path}/{message['id']}", message["created_at"]) == MESSAGE
    gone = await api.call("DELETE", f"{path}/{message['id']}")
    assert _bare(gone.body, 0) == '{"id":"msg_","object":"thread.message.deleted","deleted":true}'


async def test_run_and_step(api: Api) -> None:
    assistant, thread = await api.assistant(), await api.thread("hello")
    path = f"/threads/{thread['id']}/runs"
    text, run = await _made(api, path, {"assistant_id": assistant["id"]})
    assert text == RUN
    assert re.fullmatch(_ID.format("run"), run["id"])
    await api.call("GET", f"{path}/{run['id']}/events")
    ended = RUN
    for was, now in (
        ('"queued"', '"completed"'),
        ('"started_at":null,"expires_at":600', '"started_at":0,"expires_at":null'),
        ('"completed_at":null', '"completed_at":0'),
        ('"usage":null', f'"usage":{USAGE}'),
    ):
        ended = ended.replace(was, now)
    assert await _read(api, f"{path}/{run['id']}", run["created_at"]) == ended
    steps = await _read(api, f"{path}/{run['id']}/steps", run["created_at"])
    ends = '"first_id":"step_","last_id":"step_","has_more":false}'
    assert steps == f'{{"object":"list","data":[{STEP}],{ends}'
    written = await api.get(f"/threads/{thread['id']}/messages?limit=1")
    (message,) = written["data"]
    assert list(message) == list(json.loads(MESSAGE))
    assert (message["run_id"], message["assistant_id"]) == (run["id"], assistant["id"])
    assert (message["role"], message["status"]) == ("assistant", "completed")


async def test_numbers_have_the_types_of_the_description(api: Api) -> None:
    """A decimal number is never written as an integer, nor the other way round."""
    answer = await api.call(
        "POST", "/assistants", {"model": "m", "temperature": 1, "top_p": 0, "metadata": {"n": "1"}}
    )
    assert b'"top_p":0.0,"temperature":1.0' in answer.body
    assert re.search(rb'"created_at":\d{10}[,}]', answer.body)
    answer = await api.call(
        "POST", "/assistants", {"model": "m", "temperature": 0.1, "top_p": 1e-3}
    )
    assert b'"top_p":0.001,"temperature":0.1' in answer.body


FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {}}, "strict": False}
OPTIONS = {"ranker": "default_2024_08_21", "score_threshold": 0.0, "hybrid_search": None}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"type": "code_interpreter"}, {"type": "code_interpreter"}),
        (
            {"type": "function", "function": {"name": "f"}},
            {"type": "function", "function": FUNCTION},
        ),
        (
            {
                "type": "function",
                "function": {"strict": None, "parameters": None, "description": None, "name": "f"},
            },
            {"type": "function", "function": FUNCTION},
        ),
        (
            {"function": {"strict": True, "description": "d", "name": "f"}, "type": "function"},
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "description": "d",
                    "parameters": {"type": "object", "properties": {}},
                    "strict": True,
                },
            },
        ),
        *(
            (given, {"type": "file_search", "file_search": {"ranking_options": OPTIONS}})
            for given in (
                {"type": "file_search"},
                {"type": "file_search", "file_search": None},
                {"type": "file_search", "file_search": {}},
                {"type": "file_search", "file_search": {"ranking_options": None}},
            )
        ),
        (
            {
                "type": "file_search",
                "file_search": {
                    "ranking_options": {"score_threshold": 0.5, "ranker": "auto"},
                    "max_num_results": 7,
                },
            },
            {
                "type": "file_search",
                "file_search": {
                    "max_num_results": 7,
                    "ranking_options": {**OPTIONS, "ranker": "auto", "score_threshold": 0.5},
                },
            },
        ),
    ],
)
async def test_tools_are_shown_with_their_defaults(
    api: Api, given: dict[str, Any], shown: dict[str, Any]
) -> None:
    assistant = await api.assistant(tools=[given])
    assert json.dumps(assistant["tools"]) == json.dumps([shown])


async def test_resources_of_an_assistant_with_the_tool_and_no_files(api: Api) -> None:
    assistant = await api.assistant(tools=[{"type": "code_interpreter"}])
    assert assistant["tool_resources"] == {"code_interpreter": {"file_ids": []}}


_FORMATS: tuple[Any, ...] = (
    "auto",
    {"type": "text"},
    {"type": "json_object"},
    {"type": "json_schema", "json_schema": {"name": "n"}},
    {
        "type": "json_schema",
        "json_schema": {
            "name": "n",
            "description": "d",
            "schema": {"z": 1, "a": {"y": 2, "b": [1.0, 1, "x"]}},
            "strict": False,
        },
    },
)


@pytest.mark.parametrize("format", _FORMATS, ids=str)
async def test_a_response_format_is_shown_as_given(api: Api, format: Any) -> None:
    assistant = await api.assistant(response_format=format)
    assert json.dumps(assistant["response_format"]) == json.dumps(format)
    run = await api.run(assistant, await api.thread("x"))
    assert run["response_format"] == format


@pytest.mark.parametrize(
    "choice",
    ["none", "auto", "required", {"type": "function", "function": {"name": "f"}}],
    ids=str,
)
async def test_a_tool_choice_is_shown_as_given(api: Api, choice: Any) -> None:
    assistant = await api.assistant(tools=[{"type": "function", "function": {"name": "f"}}])
    run = await api.run(assistant, await api.thread("x"), tool_choice=choice)
    assert run["tool_choice"] == choice


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, {"type": "auto", "last_messages": None}),
        ({"type": "auto"}, {"type": "auto", "last_messages": None}),
        (
            {"type": "last_messages", "last_messages": 3},
            {"type": "last_messages", "last_messages": 3},
        ),
    ],
)
async def test_a_truncation_strategy_is_shown_whole(api: Api, given: Any, shown: Any) -> None:
    run = await api.run(await api.assistant(), await api.thread("x"), truncation_strategy=given)
    assert json.dumps(run["truncation_strategy"]) == json.dumps(shown)


async def test_a_run_shows_the_effective_parameters(api: Api) -> None:
    assistant = await api.assistant(
        instructions="Be kind.", temperature=0.5, top_p=0.5, reasoning_effort="low"
    )
    thread = await api.thread("x")
    plain = await api.run(assistant, thread)
    assert (plain["instructions"], plain["temperature"]) == ("Be kind.", 0.5)
    assert (plain["top_p"], plain["reasoning_effort"]) == (0.5, "low")
    overridden = await api.run(
        assistant,
        thread,
        model="demo/other",
        instructions="Be short.",
        additional_instructions="Be quick.",
        temperature=0,
        reasoning_effort="high",
        max_prompt_tokens=256,
        max_completion_tokens=10_000,
        parallel_tool_calls=False,
        metadata={"a": "b"},
        tools=[],
    )
    assert overridden["model"] == "demo/other"
    assert overridden["instructions"] == "Be short.\nBe quick."
    assert (overridden["temperature"], overridden["top_p"]) == (0.0, 0.5)
    assert overridden["reasoning_effort"] == "high"
    assert (overridden["max_prompt_tokens"], overridden["max_completion_tokens"]) == (256, 10_000)
    assert overridden["parallel_tool_calls"] is False
    assert overridden["metadata"] == {"a": "b"}


async def test_parts_of_messages(api: Api) -> None:
    thread = await api.thread()
    url = {"url": "https://example.com/a.png"}
    content = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": url},
        {"type": "image_url", "image_url": {**url, "detail": "low"}},
    ]
    body = {"role": "assistant", "content": content, "attachments": None, "metadata": None}
    message = await api.post(f"/threads/{thread['id']}/messages", body)
    assert json.dumps(message["content"]) == json.dumps(
        [
            {"type": "text", "text": {"value": "look", "annotations": []}},
            {"type": "image_url", "image_url": {**url, "detail": "auto"}},
            {"type": "image_url", "image_url": {**url, "detail": "low"}},
        ]
    )
    assert (message["role"], message["attachments"], message["metadata"]) == ("assistant", [], {})


async def test_models(api: Api) -> None:
    listed = await api.get("/models")
    assert list(listed) == ["object", "data"]
    for model in listed["data"]:
        assert list(model) == ["id", "object", "created", "owned_by"]
    demo = await api.get("/models/demo/demo")
    assert (demo["object"], demo["owned_by"]) == ("model", "demo")
