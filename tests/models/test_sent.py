"""What a provider is sent is told when it is asked for: the very bytes, before each try, and no secret."""

from __future__ import annotations

import json

import pytest

from tests.models.fakes import InstantClock, ask, collect, numbered_ids, remote_model
from tests.upstream import Call, Fail, Say, ScriptedUpstream
from understudy_server.models.demo import DemoModel
from understudy_server.models.port import (
    Function,
    JsonSchema,
    Model,
    ModelError,
    ModelRequest,
    Sent,
    TextDelta,
    ToolCall,
    ToolOutput,
)
from understudy_server.models.provider import DialectName

SCHEMA = b'{"type":"object","properties":{"z":{"type":"integer","maximum":3},"a":{"const":1}}}'
FULL = ModelRequest(
    model="gpt-4o",
    instructions="Be kind. 😀",
    items=(
        *ask("Hello").items,
        ToolCall(call_id="call_a", name="f", arguments='{"z":1}'),
        ToolOutput(call_id="call_a", output="1"),
    ),
    tools=(Function(name="f", parameters=SCHEMA),),
    response_format=JsonSchema(name="answer", schema=SCHEMA, strict=False),
    temperature=0.25,
    show_sent=True,
)
PATHS: dict[DialectName, str] = {"responses": "/responses", "chat": "/chat/completions"}


async def test_it_is_what_arrives(
    model: Model, upstream: ScriptedUpstream, dialect: DialectName
) -> None:
    first, *_ = await collect(model.stream(FULL))
    (exchange,) = upstream.exchanges
    arrived = json.dumps(exchange.body, ensure_ascii=False, separators=(",", ":")).encode()
    assert first == Sent(dialect=dialect, url=upstream.base_url + PATHS[dialect], body=arrived)


async def test_it_is_told_only_to_who_asks(model: Model) -> None:
    events = await collect(model.stream(ask()))
    assert not [event for event in events if isinstance(event, Sent)]


async def test_each_try_tells_it_and_can_still_be_repeated(
    model: Model, upstream: ScriptedUpstream
) -> None:
    upstream.queue(Fail(500))
    upstream.queue(Fail(429))
    upstream.queue(Say("Hi"))
    events = await collect(model.stream(ask(show_sent=True)))
    first, second, third, said, _ = events
    assert isinstance(first, Sent)
    assert first == second == third
    assert said == TextDelta(text="Hi")
    assert len(upstream.exchanges) == 3


async def test_a_refused_request_was_told_before(model: Model, upstream: ScriptedUpstream) -> None:
    upstream.queue(Fail(400, "No."))
    events = model.stream(ask(show_sent=True))
    assert isinstance(await anext(events), Sent)
    with pytest.raises(ModelError) as refused:
        await anext(events)
    assert not refused.value.partial


async def test_no_secret_is_in_it(upstream: ScriptedUpstream, dialect: DialectName) -> None:
    key, token = "sk-test-0123456789", "a-token-of-the-gateway"
    model = remote_model(
        upstream.base_url,
        dialect=dialect,
        api_key=key,
        headers={"x-gateway": token},
        query={"subscription-key": "a-key-in-the-query"},
    )
    upstream.queue(Call("f", "{}", "call_a"))
    first, *_ = await collect(model.stream(FULL))
    assert isinstance(first, Sent)
    assert first.url == upstream.base_url + PATHS[dialect]
    shown = repr(first)
    assert not [secret for secret in (key, token, "a-key-in") if secret in shown]
    await model.close()


async def test_the_demo_model_shows_what_a_chat_server_would_get() -> None:
    model = DemoModel(clock=InstantClock(), new_call_id=numbered_ids())
    first, *rest = await collect(model.stream(FULL))
    assert isinstance(first, Sent)
    assert (first.dialect, first.url) == ("demo", None)
    body = json.loads(first.body)
    assert body["model"] == "gpt-4o"
    assert [message["role"] for message in body["messages"]] == [
        *("system", "user", "assistant", "tool"),
    ]
    assert not [event for event in rest if isinstance(event, Sent)]
    assert not [e for e in await collect(model.stream(ask())) if isinstance(e, Sent)]
