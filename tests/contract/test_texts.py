"""What people write comes back as they wrote it."""

from __future__ import annotations

import json

import pytest

from tests.contract.client import Api

TEXTS = {
    "emoji": "👩‍👩‍👧‍👦 🇺🇳 👍🏽",
    "right to left": "שלום \u202eعالم\u202c",
    "combining": "e\u0301 é \u1100\u1161 가",
    "beyond the basic plane": "𝄞𐐷😀",
    "controls": "a\x01\x02\b\t\n\f\r\x1f\x7f\x80\x9f",
    "nul": "a\x00b",
    "line ends": "a\nb\r\nc\u2028d\u2029e\x85",
    "byte order mark": "\ufeffa\ufeff",
    "non-characters": "\ufffe\uffff\ufffd",
    "markup": "</script>&amp;<b> \\ \" ' / {{}}",
    "spaces": "  \t x \u00a0\u3000 ",
    "empty": "",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
async def test_a_text_comes_back(api: Api, text: str) -> None:
    assistant = await api.assistant(
        name=text[:256], description=text, instructions=text, metadata={"k": text, text[:64]: "v"}
    )
    again = await api.get(f"/assistants/{assistant['id']}")
    assert again == assistant
    assert (again["name"], again["description"], again["instructions"]) == (text, text, text)
    assert again["metadata"] == {"k": text, text[:64]: "v"}
    thread = await api.thread(text)
    path = f"/threads/{thread['id']}/messages"
    (message,) = (await api.get(path))["data"]
    assert message["content"][0]["text"]["value"] == text
    part = [{"type": "text", "text": text}]
    message = await api.post(path, {"role": "user", "content": part})
    assert message["content"][0]["text"]["value"] == text


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
async def test_a_text_goes_through_a_stream(api: Api, text: str) -> None:
    """As metadata and instructions in full objects: one line each, whatever ends a line elsewhere."""
    assistant = await api.assistant(instructions=text)
    body = {"assistant_id": assistant["id"], "metadata": {"k": text}}
    events = await api.stream("/threads/runs", body)
    runs = [event.data for event in events if event.name.count(".") == 2 and "run" in event.name]
    assert len(runs) >= 4
    assert all(run["metadata"] == {"k": text} for run in runs)
    assert all(run["instructions"] == text for run in runs)


async def test_escaped_and_raw_are_the_same_text(api: Api) -> None:
    raw = '{"messages":[{"role":"user","content":"\\ud83d\\ude00 \\u00e9 \\u0000"}]}'
    thread = (await api.call("POST", "/threads", raw=raw.encode())).value
    answer = await api.call("GET", f"/threads/{thread['id']}/messages")
    # Written without escapes, except those that JSON demands.
    assert "😀 é \\u0000".encode() in answer.body


@pytest.mark.parametrize("escape", [r"\ud800", r"\udc00", r"\ud800\ud800", r"a\ude00b"])
@pytest.mark.parametrize(
    "template",
    [
        '{"metadata":{"k":"%s"}}',
        '{"metadata":{"%s":"v"}}',
        '{"messages":[{"role":"user","content":"%s"}]}',
        '{"%s":1}',
    ],
)
async def test_half_a_character_is_refused(api: Api, template: str, escape: str) -> None:
    answer = await api.call("POST", "/threads", raw=(template % escape).encode())
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"


async def test_lengths_are_counted_in_characters(api: Api) -> None:
    assistant = await api.assistant(
        name="😀" * 256, description="é" * 512, metadata={"𝄞" * 64: "가" * 512}
    )
    assert assistant["name"] == "😀" * 256
    answer = await api.call("POST", "/assistants", {"model": "m", "name": "😀" * 257})
    assert "got a string with length 257" in answer.error["message"]


PARAMETERS = (
    '{"type":"object","required":["b","a"],"properties":{"zebra":{"type":"number","maximum":1e300},'
    '"apple":{"enum":[1,1.0,1.50,-0,"\\u00e9é"]},"b":{}},"$defs":{"y":1,"x":12345678901234567890123},'
    '"properties2":[ 1 ,  2 ]}'
)


async def test_a_schema_keeps_its_bytes(api: Api) -> None:
    """Models read keys in order, so nothing in a schema may move, be rounded or be respelled."""
    function = f'{{"name":"f","parameters":{PARAMETERS},"strict":false}}'
    raw = f'{{"model":"m","tools":[{{"type":"function","function":{function}}}]}}'
    made = await api.call("POST", "/assistants", raw=raw.encode())
    read = await api.call("GET", f"/assistants/{json.loads(made.body)['id']}")
    for body in (made.body, read.body):
        assert b'"parameters":' + PARAMETERS.encode() + b"," in body


async def test_metadata_is_sorted_by_key(api: Api) -> None:
    answer = await api.call("POST", "/threads", {"metadata": {"b": "1", "a": "2", "B": "3"}})
    assert b'"metadata":{"B":"3","a":"2","b":"1"}' in answer.body
