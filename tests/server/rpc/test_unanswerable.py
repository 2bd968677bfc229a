"""Bytes that are no message, and methods that are not there: refused as all else is, over both kinds of channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from grpc import StatusCode, aio

from tests.server.rpc.guarded import KEY, World, failure, shown

SERVICE = "/understudy.v1.AssistantsService"
UNREADABLE = (
    StatusCode.INVALID_ARGUMENT,
    "REASON_INVALID_VALUE",
    "",
    "The request could not be read: its bytes are not a message of this method.",
)


@pytest.fixture(params=["wire", "inprocess"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        world = World()
        await world.start(request.param, stack)
        yield world


def same(message: bytes) -> bytes:
    return message


async def nothing_until(over: asyncio.Event) -> AsyncIterator[bytes]:
    """What a client sends when its call has ended may hide from it how, so it sends nothing before."""
    await over.wait()
    nothing: tuple[bytes, ...] = ()
    for message in nothing:
        yield message


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"\x0a\x02\xff\xfe", b"\x0a\x7f"])
async def test_a_request_that_cannot_be_read(world: World, data: bytes) -> None:
    unary = world.channel.unary_unary(f"{SERVICE}/CreateAssistant", same, same)
    assert shown(await failure(unary(data, metadata=KEY))) == UNREADABLE
    stream = world.channel.unary_stream(f"{SERVICE}/StreamCreateRun", same, same)
    assert shown(await failure(stream(data, metadata=KEY))) == UNREADABLE
    assert world.script.callers == []


async def test_nothing_is_said_about_a_request_before_its_key_is_good(world: World) -> None:
    for method in ("CreateAssistant", "NoSuchMethod"):
        call = world.channel.unary_unary(f"{SERVICE}/{method}", same, same)
        code, reason, _, _ = shown(await failure(call(b"\xff")))
        assert (code, reason) == (StatusCode.UNAUTHENTICATED, "REASON_MISSING_API_KEY")


@pytest.mark.parametrize("method", [f"{SERVICE}/NoSuchMethod", "/no.such.Service/Method"])
@pytest.mark.parametrize("kind", ["unary_unary", "unary_stream", "stream_unary", "stream_stream"])
async def test_a_method_that_is_not_there(world: World, kind: str, method: str) -> None:
    build: Callable[..., Any] = getattr(world.channel, kind)
    over = asyncio.Event()
    request = b"x" if kind.startswith("unary") else nothing_until(over)
    call = build(method, same, same)(request, metadata=KEY)
    with pytest.raises(aio.AioRpcError) as caught:
        await (call.read() if kind.endswith("stream") else call)
    over.set()
    assert shown(caught.value) == (
        StatusCode.UNIMPLEMENTED,
        "REASON_UNIMPLEMENTED",
        "",
        "This server does not offer this method.",
    )
    line = await world.line()
    assert (line["method"], line["code"], line["project"]) == (method, "UNIMPLEMENTED", "acme")


async def test_a_name_that_was_made_up_fills_no_log(world: World) -> None:
    call = world.channel.unary_unary(f"/{'x' * 3_000}/y", same, same)
    await failure(call(b"", metadata=KEY))
    assert (await world.line())["method"] == f"/{'x' * 199}"


async def test_a_name_that_was_made_up_writes_no_lines_of_its_own(world: World) -> None:
    call = world.channel.unary_unary("/a\x1b[31m\nb/c", same, same)
    await failure(call(b"", metadata=KEY))
    assert (await world.line())["method"] == "/a\ufffd[31m\ufffdb/c"
