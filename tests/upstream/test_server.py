"""The scripted upstream as its users meet it: through OpenAI's own client, and over HTTP."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openai
import pytest

from tests.upstream import (
    Call,
    Drop,
    Fail,
    Finish,
    Gate,
    Quirks,
    Say,
    ScriptedUpstream,
    Stall,
)


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream() as running:
        yield running


@pytest.fixture
async def client(upstream: ScriptedUpstream) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=upstream.base_url, api_key=upstream.api_key, max_retries=0
    ) as opened:
        yield opened


async def chat(client: openai.AsyncOpenAI, text: str) -> str:
    stream = await client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": text}], stream=True
    )
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


async def test_openais_client_reads_a_chat(
    client: openai.AsyncOpenAI, upstream: ScriptedUpstream
) -> None:
    upstream.queue(Say("Hel", "lo"), Call("f", '{"a": 1}', "call_a"), Call("g", id="call_b"))
    async with client.chat.completions.stream(
        model="gpt-4o",
        messages=[{"role": "user", "content": "Hi"}],
        stream_options={"include_usage": True},
    ) as stream:
        completion = await stream.get_final_completion()
    (choice,) = completion.choices
    assert choice.message.content == "Hello"
    assert choice.finish_reason == "tool_calls"
    calls = [call.model_dump() for call in choice.message.tool_calls or ()]
    assert [(call["id"], call["function"]["name"]) for call in calls] == [
        ("call_a", "f"),
        ("call_b", "g"),
    ]
    assert completion.usage is not None
    assert completion.usage.total_tokens == 12


async def test_openais_client_reads_a_response(
    client: openai.AsyncOpenAI, upstream: ScriptedUpstream
) -> None:
    upstream.queue(Say("Hel", "lo"), Call("f", '{"a": 1}', "call_a"))
    async with client.responses.stream(model="gpt-4o", input="Hi") as stream:
        numbers = [event.sequence_number async for event in stream]
        response = await stream.get_final_response()
    assert numbers == sorted(numbers)
    assert response.output_text == "Hello"
    assert [item.type for item in response.output] == ["message", "function_call"]
    assert response.usage is not None
    assert response.usage.total_tokens == 12


async def test_openais_client_sees_an_incomplete_response(
    client: openai.AsyncOpenAI, upstream: ScriptedUpstream
) -> None:
    upstream.queue(Say("Hel"), Finish("length"))
    stream = await client.responses.create(model="gpt-4o", input="Hi", stream=True)
    kinds = [event.type async for event in stream]
    assert kinds[-1] == "response.incomplete"


async def test_without_a_script_it_echoes(client: openai.AsyncOpenAI) -> None:
    assert await chat(client, "Hi there") == "echo: Hi there"


async def test_a_directive_in_the_message(client: openai.AsyncOpenAI) -> None:
    assert await chat(client, 'scripted:[{"say": "Yes"}, {"tokens": 2}]') == "Yes token0 token1"


async def test_a_directive_per_tool_round(client: openai.AsyncOpenAI) -> None:
    directive = 'scripted:[[{"call": "f"}], [{"say": "done"}]]'
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages: list[Any] = [
        {"role": "user", "content": directive},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "o"},
    ]
    for until, finish in ((1, "tool_calls"), (3, "stop")):
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=messages[:until], stream=True
        )
        assert [chunk.choices[0].finish_reason async for chunk in stream][-1] == finish


async def test_what_was_said_before_a_call_is_not_said_again(client: openai.AsyncOpenAI) -> None:
    directive = 'scripted:[{"say": "Hello there"}, {"call": "f"}]'
    for said, text in (("Hello there", ""), ("Hello", "Hello there")):
        stream = await client.chat.completions.create(
            model="gpt-4o",
            messages=[
                {"role": "user", "content": directive},
                {"role": "assistant", "content": said},
            ],
            stream=True,
        )
        choices = [chunk.choices[0] async for chunk in stream]
        assert "".join(choice.delta.content or "" for choice in choices) == text
        assert choices[-1].finish_reason == "tool_calls"


async def test_a_directive_fails_as_often_as_it_says(client: openai.AsyncOpenAI) -> None:
    directive = 'scripted:[{"fail": 503, "times": 2}, {"say": "at last"}]'
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            await chat(client, directive)
    assert await chat(client, directive) == "at last"


async def test_a_directive_that_is_not_understood(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="not understood"):
        await chat(client, "scripted:[{")


async def test_the_echo_of_a_whole_conversation(
    client: openai.AsyncOpenAI, upstream: ScriptedUpstream
) -> None:
    await chat(client, 'scripted:[{"echo": true}]')
    response = await client.responses.create(
        model='scripted:[{"echo": true}]', instructions="Be.", input="Hi", stream=True
    )
    texts = [event.delta async for event in response if event.type == "response.output_text.delta"]
    assert texts == ["instructions: Be.\n", "user: Hi\n"]
    assert len(upstream.exchanges) == 2


@pytest.mark.parametrize(
    ("key", "status"), [("wrong", 401), ("sk-test-0123456789", 200), (None, 401)]
)
async def test_keys(upstream: ScriptedUpstream, key: str | None, status: int) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{upstream.base_url}/models") as response,
    ):
        assert response.status == status


async def test_a_failure_has_openais_shape(
    client: openai.AsyncOpenAI, upstream: ScriptedUpstream
) -> None:
    upstream.queue(Fail(429, "Slow.", code="rate_limit_exceeded", type="tokens", retry_after=1))
    with pytest.raises(openai.RateLimitError) as caught:
        await chat(client, "Hi")
    assert caught.value.body == {
        "message": "Slow.",
        "type": "tokens",
        "param": None,
        "code": "rate_limit_exceeded",
    }
    assert caught.value.response.headers["retry-after"] == "1"


async def post(upstream: ScriptedUpstream, session: aiohttp.ClientSession) -> Any:
    return await session.post(
        f"{upstream.base_url}/chat/completions",
        json={"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True},
        headers={"Authorization": f"Bearer {upstream.api_key}"},
    )


async def test_the_bytes_of_a_chat(upstream: ScriptedUpstream) -> None:
    upstream.queue(Say("é"))
    async with aiohttp.ClientSession() as session:
        response = await post(upstream, session)
        lines = (await response.read()).decode().split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    assert json.loads(lines[1].removeprefix("data: "))["choices"] == [
        {"index": 0, "delta": {"content": "é"}, "logprobs": None, "finish_reason": None}
    ]


async def test_quirks_show_in_the_bytes(upstream: ScriptedUpstream) -> None:
    upstream.queue(Quirks("crlf", "comments", "no_done"), Say("a"))
    async with aiohttp.ClientSession() as session:
        body = await (await post(upstream, session)).read()
    assert body.startswith(b": keep-alive\r\n\r\ndata: {")
    assert b"[DONE]" not in body
    assert body.count(b"\n") == body.count(b"\r\n")


async def test_it_notices_who_leaves_and_who_stays(upstream: ScriptedUpstream) -> None:
    upstream.queue(Say("a"), Gate("door"))
    upstream.queue(Say("a"), Stall())
    async with aiohttp.ClientSession() as session:
        stays, leaves = await post(upstream, session), await post(upstream, session)
        leaves.close()
        await (await upstream.exchange(1)).disconnected.wait()
        await upstream.reached("door")
        upstream.release("door")
        await stays.read()
        staying = await upstream.exchange(0)
        await staying.finished.wait()
    assert not staying.disconnected.is_set()


async def test_a_drop_is_a_broken_response(upstream: ScriptedUpstream) -> None:
    upstream.queue(Say("a"), Drop())
    async with aiohttp.ClientSession() as session:
        response = await post(upstream, session)
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_as_a_process_it_is_told_over_http() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.upstream", "--api-key", "k", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    base_url = (await process.stdout.readline()).decode().strip()
    try:
        await _tell_and_ask(base_url)
    finally:
        process.terminate()
    assert await process.wait() == 0


async def _tell_and_ask(base_url: str) -> None:
    control = base_url.removesuffix("/v1")
    async with (
        aiohttp.ClientSession() as session,
        openai.AsyncOpenAI(base_url=base_url, api_key="k", max_retries=0) as client,
    ):
        script = [{"say": "Hel"}, {"gate": "g"}, {"say": "lo"}]
        await session.post(f"{control}/_script", json={"script": script})
        answer = asyncio.create_task(chat(client, "Hi"))
        await session.post(f"{control}/_release", json={"gate": "g"})
        assert await answer == "Hello"
        listed = await (await session.get(f"{control}/_exchanges")).json()
        (exchange,) = listed["exchanges"]
        assert exchange["body"]["messages"] == [{"role": "user", "content": "Hi"}]
        await session.delete(f"{control}/_exchanges")
        assert (await (await session.get(f"{control}/_exchanges")).json()) == {"exchanges": []}
        refused = await session.post(f"{control}/_script", json={"script": [{"shout": 1}]})
        assert refused.status == 400
