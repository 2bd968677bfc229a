"""What happens around every RPC, over a real connection and in-process."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.server.rpc.guarded import KEY, World, failure, shown
from understudy.v1.assistant_pb2 import (
    CreateAssistantRequest,
    DeleteAssistantRequest,
    GetAssistantRequest,
    ListAssistantsRequest,
)
from understudy.v1.auth_service_pb2 import CheckKeyRequest
from understudy.v1.auth_service_pb2_grpc import AuthServiceStub
from understudy.v1.run_pb2 import CreateRunRequest, StreamRunEventsRequest
from understudy_server import errors
from understudy_server.auth.making import key_hash
from understudy_server.rpc.caller import Caller, caller
from understudy_server.rpc.errors import INTERNAL_MESSAGE


@pytest.fixture(params=["wire", "inprocess"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        world = World()
        await world.start(request.param, stack)
        yield world


async def test_a_handler_knows_its_caller(world: World) -> None:
    metadata = (*KEY, ("x-request-id", "req_1"), ("idempotency-key", "once"))
    await world.stub.GetAssistant(GetAssistantRequest(), metadata=metadata)
    async for _ in world.stub.StreamRunEvents(StreamRunEventsRequest(), metadata=metadata):
        pass
    expected = Caller(
        project="acme",
        key_id=key_hash("secret")[:16],
        request_id="req_1",
        idempotency_key="once",
    )
    assert world.script.callers == [expected, expected]


async def test_a_request_id_is_made_where_there_is_none(world: World) -> None:
    await world.stub.GetAssistant(GetAssistantRequest(), metadata=KEY)
    await world.stub.GetAssistant(
        GetAssistantRequest(), metadata=(*KEY, ("x-request-id", "x" * 999))
    )
    made, given = (caller.request_id for caller in world.script.callers)
    assert re.fullmatch("req_[0-9a-f]{32}", made)
    assert given == "x" * 128


async def test_a_key_made_here(world: World) -> None:
    text, _ = await world.keys.create("other", "laptop")
    metadata = (("authorization", f"Bearer {text}"),)
    answer = await AuthServiceStub(world.channel).CheckKey(CheckKeyRequest(), metadata=metadata)
    assert answer.project == "other"


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ((), "REASON_MISSING_API_KEY"),
        ((("authorization", "Bearer nonsense"),), "REASON_INVALID_API_KEY"),
    ],
)
async def test_without_a_good_key(world: World, metadata: Any, reason: str) -> None:
    calls = (
        AuthServiceStub(world.channel).CheckKey(CheckKeyRequest(), metadata=metadata),
        # Nothing is told about what else is wrong.
        world.stub.CreateAssistant(CreateAssistantRequest(), metadata=metadata),
        world.stub.StreamRunEvents(StreamRunEventsRequest(), metadata=metadata),
    )
    for call in calls:
        code, found, param, _ = shown(await failure(call))
        assert (code, found, param) == (StatusCode.UNAUTHENTICATED, reason, "")
    assert world.script.callers == []


async def test_health_needs_no_key(world: World) -> None:
    stub = health_pb2_grpc.HealthStub(world.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    watching = stub.Watch(health_pb2.HealthCheckRequest())
    assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
    watching.cancel()
    assert world.lines() == []


async def test_limits(world: World) -> None:
    call = world.stub.CreateAssistant(CreateAssistantRequest(), metadata=KEY)
    assert shown(await failure(call)) == (
        StatusCode.INVALID_ARGUMENT,
        "REASON_MISSING_REQUIRED_PARAMETER",
        "model",
        "Missing required parameter: 'model'.",
    )
    call = world.stub.StreamCreateRun(CreateRunRequest(assistant_id="a", top_p=2), metadata=KEY)
    assert shown(await failure(call))[:3] == (
        StatusCode.INVALID_ARGUMENT,
        "REASON_DECIMAL_ABOVE_MAX_VALUE",
        "top_p",
    )


@pytest.mark.parametrize("messages", [0, 2])
async def test_domain_errors_of_streams(world: World, messages: int) -> None:
    world.script.messages = messages
    world.script.failure = errors.NotFound("No run found with id 'run_1'.")
    call = world.stub.StreamRunEvents(StreamRunEventsRequest(), metadata=KEY)
    for _ in range(messages):
        await call.read()
    assert shown(await failure(call)) == (
        StatusCode.NOT_FOUND,
        "REASON_NOT_FOUND",
        "",
        "No run found with id 'run_1'.",
    )
    assert (await world.line())["code"] == "NOT_FOUND"


async def test_domain_errors(world: World) -> None:
    world.script.failure = errors.StateConflict("busy")
    call = world.stub.GetAssistant(GetAssistantRequest(), metadata=KEY)
    assert shown(await failure(call))[:2] == (
        StatusCode.FAILED_PRECONDITION,
        "REASON_STATE_CONFLICT",
    )
    assert await world.events() == ["call"]


async def test_surprises_are_logged_without_their_text(world: World) -> None:
    world.script.failure = ValueError("what the user wrote")
    call = world.stub.GetAssistant(GetAssistantRequest(), metadata=KEY)
    assert shown(await failure(call)) == (
        StatusCode.INTERNAL,
        "REASON_INTERNAL",
        "",
        INTERNAL_MESSAGE,
    )
    unexpected = world.log.entries[0]
    assert (unexpected["event"], unexpected["log_level"]) == ("unexpected error", "error")
    assert unexpected["error"] == "ValueError"
    assert "GetAssistant" in unexpected["frames"]
    assert "what the user wrote" not in repr(world.log.entries)


async def test_a_store_that_is_away(world: World) -> None:
    world.script.failure = errors.StoreUnavailable("connection refused")
    error = await failure(world.stub.GetAssistant(GetAssistantRequest(), metadata=KEY))
    assert shown(error)[:2] == (StatusCode.UNAVAILABLE, "REASON_UNAVAILABLE")
    assert "refused" not in (error.details() or "")
    assert world.log.entries[0]["reason"] == "connection refused"


async def test_what_nobody_wrote_is_unimplemented(world: World) -> None:
    call = world.stub.ListAssistants(ListAssistantsRequest(), metadata=KEY)
    assert shown(await failure(call))[:2] == (StatusCode.UNIMPLEMENTED, "REASON_UNIMPLEMENTED")
    assert await world.events() == ["call"]


async def test_a_handler_that_aborts_itself(world: World) -> None:
    error = await failure(world.stub.DeleteAssistant(DeleteAssistantRequest(), metadata=KEY))
    assert (error.code(), error.details()) == (StatusCode.DATA_LOSS, "its own way")
    assert (await world.line())["code"] == "DATA_LOSS"


async def test_a_handler_that_writes(world: World) -> None:
    call = world.stub.StreamCreateRun(CreateRunRequest(assistant_id="a"), metadata=KEY)
    assert [batch.events[0].id async for batch in call] == ["1-1"]


async def test_one_line_for_each_call(world: World) -> None:
    metadata = (*KEY, ("x-request-id", "req_1"))
    await world.stub.GetAssistant(GetAssistantRequest(), metadata=metadata)
    assert await world.line() == {
        "event": "call",
        "log_level": "info",
        "method": "/understudy.v1.AssistantsService/GetAssistant",
        "request_id": "req_1",
        "project": "acme",
        "key_id": key_hash("secret")[:16],
        "code": "OK",
        "ms": 0.0,
    }
    assert "secret" not in repr(world.log.entries)


async def test_the_line_of_a_stranger(world: World) -> None:
    await failure(world.stub.GetAssistant(GetAssistantRequest()))
    line = await world.line()
    assert line["code"] == "UNAUTHENTICATED"
    assert "project" not in line


@pytest.mark.parametrize("name", ["GetAssistant", "StreamRunEvents"])
async def test_cancellation_passes_through(world: World, name: str) -> None:
    world.script.hang, world.script.messages = True, 0
    requests = {"GetAssistant": GetAssistantRequest, "StreamRunEvents": StreamRunEventsRequest}
    call = getattr(world.stub, name)(requests[name](), metadata=KEY)
    await world.script.hanging.wait()
    call.cancel()
    await world.script.cancelled.wait()
    assert (await world.line())["code"] == "CANCELLED"
    assert await world.events() == ["call"]


@pytest.mark.parametrize(("attempts", "repeated"), [(None, False), ("0", False), ("2", True)])
async def test_a_handler_knows_whether_it_may_have_been_called_before(
    world: World, attempts: str | None, repeated: bool
) -> None:
    metadata = KEY if attempts is None else (*KEY, ("previous-attempts", attempts))
    await world.stub.GetAssistant(GetAssistantRequest(), metadata=metadata)
    (known,) = world.script.callers
    assert known.repeated is repeated


async def test_there_is_no_caller_outside_of_a_call() -> None:
    with pytest.raises(LookupError):
        caller()
