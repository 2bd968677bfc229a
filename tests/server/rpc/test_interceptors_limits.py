"""Limits and scopes of keys, around every RPC, over a real connection and in-process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from grpc import StatusCode

from tests.server.rpc.guarded import KEY, World, failure, shown
from understudy.v1.assistant_pb2 import (
    CreateAssistantRequest,
    DeleteAssistantRequest,
    GetAssistantRequest,
)
from understudy.v1.auth_service_pb2 import CheckKeyRequest
from understudy.v1.auth_service_pb2_grpc import AuthServiceStub
from understudy.v1.run_pb2 import CreateRunRequest, StreamRunEventsRequest
from understudy_server import errors
from understudy_server.auth.stored_key import Policy
from understudy_server.limits.key_limits import KeyLimits
from understudy_server.limits.words import missing_scope

USED_UP = (
    "Rate limit reached for requests in project acme on requests per min (RPM):"
    " Limit 1, Used 1. Please try again in 40s."
)


@pytest.fixture(params=["wire", "inprocess"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        world = World()
        await world.start(request.param, stack)
        yield world


async def _key(world: World, **limits: Any) -> Any:
    """Metadata with a new key that has these limits."""
    policy = Policy(limits=KeyLimits(**limits))
    text, _ = await world.keys.create("acme", "", policy)
    return (("authorization", f"Bearer {text}"),)


def _pairs(metadata: Any) -> dict[str, str]:
    return {key: value for key, value in metadata if key.startswith("x-ratelimit-")}


def _requests(left: int) -> dict[str, str]:
    # The fake clock begins 20 seconds into a minute.
    return {
        "x-ratelimit-limit-requests": "40",
        "x-ratelimit-remaining-requests": str(left),
        "x-ratelimit-reset-requests": "40s",
    }


async def test_every_answer_to_a_key_with_limits_tells_how_it_stands(world: World) -> None:
    metadata = await _key(world, requests_per_minute=40)
    call = world.stub.GetAssistant(GetAssistantRequest(), metadata=metadata)
    await call
    assert _pairs(await call.trailing_metadata()) == _requests(39)

    # A stream tells it before its first event, whether its handler yields, or writes and says first that it is there.
    call = world.stub.StreamRunEvents(StreamRunEventsRequest(), metadata=metadata)
    assert _pairs(await call.initial_metadata()) == _requests(38)
    assert len([batch async for batch in call]) == 2
    call = world.stub.StreamCreateRun(CreateRunRequest(assistant_id="a"), metadata=metadata)
    assert _pairs(await call.initial_metadata()) == _requests(37)
    assert [batch.events[0].id async for batch in call] == ["1-1"]

    world.script.failure = errors.StateConflict("busy")
    refused = await failure(world.stub.GetAssistant(GetAssistantRequest(), metadata=metadata))
    assert _pairs(refused.trailing_metadata()) == _requests(36)
    assert shown(refused)[1] == "REASON_STATE_CONFLICT"
    refused = await failure(world.stub.DeleteAssistant(DeleteAssistantRequest(), metadata=metadata))
    assert _pairs(refused.trailing_metadata()) == _requests(35)
    assert refused.code() is StatusCode.DATA_LOSS


async def test_a_key_without_limits_is_told_nothing_of_limits(world: World) -> None:
    call = world.stub.GetAssistant(GetAssistantRequest(), metadata=KEY)
    await call
    assert _pairs(await call.trailing_metadata()) == {}
    call = world.stub.StreamRunEvents(StreamRunEventsRequest(), metadata=KEY)
    assert _pairs(await call.initial_metadata()) == {}
    assert len([batch async for batch in call]) == 2


async def test_a_key_that_has_used_up_its_minute(world: World) -> None:
    metadata = await _key(world, requests_per_minute=1)
    await world.stub.GetAssistant(GetAssistantRequest(), metadata=metadata)
    for call in (
        world.stub.GetAssistant(GetAssistantRequest(), metadata=metadata),
        world.stub.StreamRunEvents(StreamRunEventsRequest(), metadata=metadata),
    ):
        refused = await failure(call)
        assert shown(refused) == (
            StatusCode.RESOURCE_EXHAUSTED,
            "REASON_REQUEST_LIMIT",
            "",
            USED_UP,
        )
        assert _pairs(refused.trailing_metadata())["x-ratelimit-remaining-requests"] == "0"
    assert len(world.script.callers) == 1
    await world.clock.advance(40)
    await world.stub.GetAssistant(GetAssistantRequest(), metadata=metadata)


async def test_a_key_that_lacks_a_scope(world: World) -> None:
    text, _ = await world.keys.create("acme", "", Policy(scopes=("write",)))
    metadata = (("authorization", f"Bearer {text}"),)
    await AuthServiceStub(world.channel).CheckKey(CheckKeyRequest(), metadata=metadata)
    await world.stub.CreateAssistant(CreateAssistantRequest(model="m"), metadata=metadata)
    refused = {
        "read": (
            world.stub.GetAssistant(GetAssistantRequest(), metadata=metadata),
            world.stub.StreamRunEvents(StreamRunEventsRequest(), metadata=metadata),
        ),
        # Not a word about what else is wrong with it.
        "run": (world.stub.StreamCreateRun(CreateRunRequest(), metadata=metadata),),
    }
    for scope, calls in refused.items():
        for call in calls:
            assert shown(await failure(call)) == (
                StatusCode.PERMISSION_DENIED,
                "REASON_MISSING_SCOPE",
                "",
                missing_scope(scope),
            )
    assert world.script.callers == []
