"""Both dialects over HTTP, against a provider that refuses what OpenAI refuses."""

from __future__ import annotations

import pytest

from tests.models.fakes import (
    ask,
    calls_in,
    collect,
    refusal_in,
    remote_model,
    says,
    text_in,
)
from tests.upstream import (
    Call,
    Finish,
    Gate,
    Quirks,
    Reason,
    Refuse,
    Report,
    Say,
    ScriptedUpstream,
    Step,
)
from understudy_server.models.port import (
    Finished,
    Function,
    Image,
    JsonSchema,
    Message,
    Model,
    ModelRequest,
    Opaque,
    OpaqueItem,
    Text,
    TextDelta,
    ToolCall,
    ToolOutput,
    Usage,
)
from understudy_server.models.provider import DialectName

WEATHER = Function(name="get_weather", parameters=b'{"type":"object","properties":{}}')


async def test_text_arrives_chunk_by_chunk_as_it_is_sent(
    model: Model, upstream: ScriptedUpstream
) -> None:
    upstream.queue(Say("Hel"), Gate("middle"), Say("lo ü€😀"))
    events = model.stream(ask())
    assert await anext(events) == TextDelta(text="Hel")
    upstream.release("middle")
    assert await anext(events) == TextDelta(text="lo ü€😀")
    assert await collect(events) == [
        Finished(
            reason="stop",
            usage=Usage(prompt_tokens=7, completion_tokens=5),
            model="gpt-4o-2024-08-06",
        )
    ]


async def test_a_full_conversation_is_accepted_and_arrives_whole(
    model: Model, upstream: ScriptedUpstream, dialect: DialectName
) -> None:
    request = ModelRequest(
        model="gpt-4o",
        instructions="Be kind.",
        items=(
            Message(
                role="user",
                parts=(Text(text="Look:"), Image(url="https://example.com/a.png", detail="low")),
            ),
            says("I see.", "assistant"),
            says("Note.", "system"),
            says("And the weather?"),
            says("Let me look.", "assistant"),
            ToolCall(call_id="call_a", name="get_weather", arguments='{"city":"Oslo"}'),
            ToolCall(call_id="call_b", name="get_weather", arguments='{"city":"Rome"}'),
            ToolOutput(call_id="call_a", output="cold"),
            ToolOutput(call_id="call_b", output="warm"),
        ),
        tools=(WEATHER,),
        tool_choice="auto",
        parallel_tool_calls=True,
        response_format=JsonSchema(name="answer", schema=b'{"type":"object"}'),
        temperature=0.5,
        top_p=0.9,
        max_output_tokens=1,
    )
    events = await collect(model.stream(request))
    assert text_in(events) == "tools said: cold, warm"


async def test_a_reasoning_model_is_served_without_sampling(model: Model) -> None:
    events = await collect(model.stream(ask(model="o4-mini", reasoning_effort="low")))
    assert text_in(events) == "echo: Hello"


async def test_parallel_calls_after_text(model: Model, upstream: ScriptedUpstream) -> None:
    upstream.queue(
        Say("Looking."),
        Call("get_weather", '{"city": "Oslo"}', "call_a"),
        Call("get_weather", '{"city": "Rome"}', "call_b"),
    )
    events = await collect(model.stream(ask(tools=(WEATHER,))))
    assert text_in(events) == "Looking."
    assert calls_in(events) == [
        ("call_a", "get_weather", '{"city": "Oslo"}'),
        ("call_b", "get_weather", '{"city": "Rome"}'),
    ]
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "tool_calls"


async def test_reasoning_is_kept_and_replayed(upstream: ScriptedUpstream) -> None:
    model = remote_model(upstream.base_url, dialect="responses")
    upstream.queue(Reason("gAAA"), Call("get_weather", "{}", "call_a"))
    events = await collect(model.stream(ask(tools=(WEATHER,))))
    (kept,) = (event for event in events if isinstance(event, OpaqueItem))
    items = (
        says("Hello"),
        Opaque(json=kept.json),
        ToolCall(call_id="call_a", name="get_weather", arguments="{}"),
        ToolOutput(call_id="call_a", output="cold"),
    )
    assert text_in(await collect(model.stream(ask(items=items)))) == "tools said: cold"
    replayed = (await upstream.exchange(1)).body["input"][1]
    assert replayed["encrypted_content"] == "gAAA"
    await model.close()


async def test_a_refusal(model: Model, upstream: ScriptedUpstream) -> None:
    upstream.queue(Refuse("I will not."))
    events = await collect(model.stream(ask()))
    assert refusal_in(events) == "I will not."
    assert text_in(events) == ""


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_an_early_end(model: Model, upstream: ScriptedUpstream, reason: str) -> None:
    upstream.queue(Say("Hel"), Finish(reason))  # type: ignore[arg-type]  # parametrized text
    events = await collect(model.stream(ask()))
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == reason


async def test_no_usage(model: Model, upstream: ScriptedUpstream) -> None:
    upstream.queue(Say("Hi"), Report(None))
    assert (await collect(model.stream(ask())))[-1] == Finished(
        reason="stop", usage=None, model="gpt-4o-2024-08-06"
    )


async def test_detailed_usage(model: Model, upstream: ScriptedUpstream) -> None:
    upstream.queue(Say("Hi"), Report((9, 8, 7, 6)))
    finished = (await collect(model.stream(ask())))[-1]
    assert isinstance(finished, Finished)
    assert finished.usage == Usage(
        prompt_tokens=9, completion_tokens=8, cached_tokens=7, reasoning_tokens=6
    )


@pytest.mark.parametrize(
    "quirk",
    [
        "comments",
        "crlf",
        "empty_message",
        "no_arguments_deltas",
        "no_call_indexes",
        "no_done",
        "no_event_lines",
        "no_sequence_numbers",
        "repeated_names",
        "single_bytes",
        "usage_with_finish",
    ],
)
async def test_quirks_of_real_servers_change_nothing(
    model: Model, upstream: ScriptedUpstream, quirk: str
) -> None:
    script: tuple[Step, ...] = (
        Say("Grüße", " 😀"),
        Call("get_weather", '{"city": "Oslo"}', "call_a"),
        Call("get_weather", '{"city": "Rome"}', "call_b"),
    )
    upstream.queue(*script)
    upstream.queue(Quirks(quirk), *script)  # type: ignore[arg-type]  # parametrized text
    expected = await collect(model.stream(ask(tools=(WEATHER,))))
    events = await collect(model.stream(ask(tools=(WEATHER,))))
    assert text_in(events) == text_in(expected)
    assert calls_in(events) == calls_in(expected)
    assert events[-1] == expected[-1]


async def test_calls_without_ids_get_their_own(model: Model, upstream: ScriptedUpstream) -> None:
    upstream.queue(Quirks("no_call_ids"), Call("f"), Call("f"))
    events = await collect(model.stream(ask(tools=(Function(name="f"),))))
    assert calls_in(events) == [("call_new1", "f", "{}"), ("call_new2", "f", "{}")]


async def test_the_connection_is_used_again(model: Model, upstream: ScriptedUpstream) -> None:
    await collect(model.stream(ask()))
    await collect(model.stream(ask()))
    assert len({exchange.peer for exchange in upstream.exchanges}) == 1


async def test_models_are_listed(model: Model) -> None:
    assert await model.list_models() == ("gpt-4o", "gpt-4o-mini", "o4-mini")


async def test_what_goes_beside_the_body_is_the_providers_own(
    upstream: ScriptedUpstream, dialect: DialectName, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY"):
        monkeypatch.setenv(variable, "somebody-elses")
    plain = remote_model(upstream.base_url, dialect=dialect)
    rich = remote_model(
        upstream.base_url,
        dialect=dialect,
        organization="org",
        project="proj",
        headers={"x-team": "a"},
        query={"api-version": "1"},
    )
    for model in (plain, rich):
        await collect(model.stream(ask()))
        await model.close()
    first, second = upstream.exchanges
    assert "somebody-elses" not in str(first.headers)
    assert first.headers["authorization"] == f"Bearer {upstream.api_key}"
    assert first.query == {}
    assert second.headers["openai-organization"] == "org"
    assert second.headers["openai-project"] == "proj"
    assert second.headers["x-team"] == "a"
    assert second.query == {"api-version": "1"}


async def test_a_server_without_keys_gets_a_placeholder(dialect: DialectName) -> None:
    async with ScriptedUpstream(api_key=None) as upstream:
        model = remote_model(upstream.base_url, dialect=dialect, api_key=None)
        assert text_in(await collect(model.stream(ask()))) == "echo: Hello"
        assert upstream.exchanges[0].headers["authorization"] == "Bearer none"
        await model.close()
