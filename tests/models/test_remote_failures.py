"""What fails between us and a provider, what is tried again, and leaving early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.models.fakes import (
    InstantClock,
    ask,
    collect,
    remote_model,
    text_in,
)
from tests.upstream import (
    Drop,
    Error,
    Fail,
    Gate,
    Raw,
    Say,
    ScriptedUpstream,
    Stall,
    Step,
)
from understudy_server.models.port import (
    Model,
    ModelError,
    TextDelta,
)
from understudy_server.models.provider import DialectName


async def fails(events: AsyncIterator[object]) -> ModelError:
    with pytest.raises(ModelError) as caught:
        async for _ in events:
            pass
    return caught.value


async def test_a_refused_key_is_explained_without_it(
    upstream: ScriptedUpstream, dialect: DialectName
) -> None:
    model = remote_model(upstream.base_url, dialect=dialect, api_key="wrong-key-42")
    error = await fails(model.stream(ask()))
    assert error.code == "server_error"
    assert error.message.startswith(
        "The model provider 'acme' refused the API key (401): Incorrect"
    )
    assert "wrong-key-42" not in error.message
    assert len(upstream.exchanges) == 1
    with pytest.raises(ModelError, match="refused the API key"):
        await model.list_models()
    await model.close()


async def test_an_unknown_model(model: Model) -> None:
    error = await fails(model.stream(ask(model="missing-model")))
    assert error.code == "server_error"
    assert "does not offer this model (404)" in error.message


async def test_input_that_is_too_long(model: Model, upstream: ScriptedUpstream) -> None:
    upstream.queue(Fail(400, "Too long.", code="context_length_exceeded"))
    error = await fails(model.stream(ask()))
    assert (error.code, error.message) == ("invalid_prompt", "Too long.")


@pytest.mark.parametrize(
    ("failure", "delays"),
    [
        (Fail(500), [0.5]),
        (Fail(503), [0.5]),
        (Fail(408), [0.5]),
        (Fail(429, code="rate_limit_exceeded", retry_after=3), [3.0]),
        (Drop(), [0.5]),
        (Error("server_error"), [0.5]),
    ],
)
async def test_what_passes_is_tried_again(
    model: Model,
    upstream: ScriptedUpstream,
    clock: InstantClock,
    failure: Step,
    delays: list[float],
) -> None:
    upstream.queue(failure)
    assert text_in(await collect(model.stream(ask()))) == "echo: Hello"
    assert clock.slept == delays
    first, second = upstream.exchanges
    assert first.body == second.body


async def test_after_two_retries_it_is_over(
    model: Model, upstream: ScriptedUpstream, clock: InstantClock
) -> None:
    for _ in range(3):
        upstream.queue(Fail(429, "Rate limit reached for gpt-4o.", type="tokens"))
    error = await fails(model.stream(ask()))
    assert (error.code, error.message) == ("rate_limit_exceeded", "Rate limit reached for gpt-4o.")
    assert clock.slept == [0.5, 1.0]
    assert not error.partial


@pytest.mark.parametrize(
    "failure",
    [
        Fail(400, "No."),
        Fail(429, "You exceeded your current quota.", code="insufficient_quota"),
        Fail(429, "Come back tomorrow.", retry_after=3600),
        Raw("data: {oops\n\n"),
        Raw("data: 7\n\n"),
    ],
)
async def test_what_does_not_pass_is_not(
    model: Model, upstream: ScriptedUpstream, failure: Step
) -> None:
    upstream.queue(failure)
    await fails(model.stream(ask()))
    assert len(upstream.exchanges) == 1


@pytest.mark.parametrize(
    ("end", "code", "words"),
    [
        (Drop(), "server_error", "closed the connection"),
        (Raw("data: {oops\n\n"), "server_error", "not understood"),
        (Error("server_error", "Sorry."), "server_error", "reported an error: Sorry."),
        (Error("rate_limit_exceeded", "Slow."), "rate_limit_exceeded", "Slow."),
        (Error("server_error", "Sorry.", failed=True), "server_error", "Sorry."),
    ],
)
async def test_after_the_first_word_nothing_is_tried_again(
    model: Model, upstream: ScriptedUpstream, end: Step, code: str, words: str
) -> None:
    upstream.queue(Say("Hel"), end)
    events = model.stream(ask())
    assert await anext(events) == TextDelta(text="Hel")
    error = await fails(events)
    assert error.code == code
    assert words in error.message
    assert error.partial
    assert len(upstream.exchanges) == 1


async def test_a_provider_that_is_not_there(dialect: DialectName, closed_port: int) -> None:
    clock = InstantClock()
    model = remote_model(f"http://127.0.0.1:{closed_port}/v1", dialect=dialect, clock=clock)
    error = await fails(model.stream(ask()))
    assert "'acme' could not be reached" in error.message
    assert len(clock.slept) == 2
    await model.close()


@pytest.mark.parametrize("script", [(Stall(),), (Say(), Stall()), (Say("Hel"), Stall())])
async def test_a_stall_ends_the_call_and_the_connection(
    upstream: ScriptedUpstream, dialect: DialectName, script: tuple[Step, ...]
) -> None:
    model = remote_model(upstream.base_url, dialect=dialect, stall_timeout=0.1)
    upstream.queue(*script)
    error = await fails(model.stream(ask()))
    assert error.code == "server_error"
    assert "stopped answering" in error.message
    # On a machine that stands still meanwhile, the upstream may never hear of the call.
    for exchange in upstream.exchanges:
        await exchange.disconnected.wait()
    assert len(upstream.exchanges) <= 1
    await model.close()


async def test_closing_the_events_closes_the_connection(
    model: Model, upstream: ScriptedUpstream
) -> None:
    upstream.queue(Say("Hel"), Stall())
    events = model.stream(ask())
    await anext(events)
    await events.aclose()
    await (await upstream.exchange(0)).disconnected.wait()


@pytest.mark.parametrize("before", [(), (Say(),), (Say("Hel"),)])
async def test_cancelling_closes_the_connection_even_while_it_is_silent(
    model: Model, upstream: ScriptedUpstream, before: tuple[Step, ...]
) -> None:
    upstream.queue(*before, Gate("silent"))
    task = asyncio.create_task(collect(model.stream(ask())))
    await upstream.reached("silent")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await (await upstream.exchange(0)).disconnected.wait()
    assert len(upstream.exchanges) == 1
