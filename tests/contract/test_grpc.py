"""The same rules for callers with the generated stubs: the core enforces them, not the edge."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import grpc.aio
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.contract.cases import Case
from tests.contract.catalogue import NOT_FOUND, STATES
from tests.contract.client import Api
from tests.contract.field_cases import field_cases
from tests.contract.transport_cases import NO_KEY, WRONG_KEY
from tests.contract.world import World
from tests.servers import Deployment
from understudy.v1 import (
    assistant_pb2,
    assistants_service_pb2_grpc,
    error_pb2,
    models_service_pb2_grpc,
)
from understudy_edge.app import SERVICES
from understudy_edge.codec import Codec
from understudy_edge.matcher import Match, Matcher
from understudy_edge.problems import Problem
from understudy_edge.routes import Route, compile_routes

_ROUTES = compile_routes(SERVICES)
_MATCHER = Matcher(_ROUTES)
_CODEC = Codec({route.request for route in _ROUTES})

Metadata = tuple[tuple[str, str], ...]


def _request(case: Case, world: World | None = None) -> tuple[Route, Message]:
    """The case as a protobuf request. Raises ``Problem`` for what JSON alone can say."""
    fill: Callable[[Any], Any] = world.fill if world else lambda value: value
    match = _MATCHER.match(case.method, "/v1" + fill(case.path))
    assert isinstance(match, Match)
    message = _CODEC.decode(
        GetMessageClass(match.route.request),
        {} if case.body is None else fill(case.body),
        bound=frozenset(match.route.path_fields),
    )
    for name, value in match.values.items():
        setattr(message, name, value)
    return match.route, message


def _cases() -> Iterator[Case]:
    for case in (*NOT_FOUND, *STATES, *field_cases()):
        if "?" in case.path:
            continue
        try:
            _request(case)
        except Problem:
            continue
        yield case


CASES = list(_cases())


@pytest.fixture
async def channel(deployment: Deployment) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(deployment.grpc) as channel:
        yield channel


def _metadata(key: str) -> Metadata:
    return (("authorization", f"Bearer {key}"),)


def _explained(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str, str | None, str]:
    """Code, message, param and the name of the reason."""
    found = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    assert isinstance(found, bytes)
    status = status_pb2.Status.FromString(found)
    detail = error_pb2.ErrorDetail()
    assert any(packed.Unpack(detail) for packed in status.details)
    assert (status.code, status.message) == (error.code().value[0], error.details())
    reason = error_pb2.Reason.Name(detail.reason).removeprefix("REASON_")
    return error.code(), status.message, detail.param or None, reason


def _expected(case: Case, world: World) -> tuple[grpc.StatusCode, str, str | None, str]:
    code, reason = grpc.StatusCode.INVALID_ARGUMENT, (case.code or "").upper()
    if case.status == 404:
        code, reason = grpc.StatusCode.NOT_FOUND, reason or "NOT_FOUND"
    elif not reason:
        code, reason = grpc.StatusCode.FAILED_PRECONDITION, "STATE_CONFLICT"
    return code, world.fill(case.message), world.fill(case.param), reason


def _stub(channel: grpc.aio.Channel, route: Route) -> Any:
    if route.method.containing_service.name == "ModelsService":
        return models_service_pb2_grpc.ModelsServiceStub(channel)
    return assistants_service_pb2_grpc.AssistantsServiceStub(channel)


async def _refusal(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return error.value


def test_there_is_enough_to_compare() -> None:
    codes = {case.code for case in CASES}
    assert codes >= {
        None,
        "array_above_max_length",
        "decimal_above_max_value",
        "decimal_below_min_value",
        "empty_array",
        "integer_above_max_value",
        "integer_below_min_value",
        "invalid_function_parameters",
        "invalid_value",
        "missing_required_parameter",
        "model_not_found",
        "object_above_max_properties",
        "property_name_above_max_length",
        "string_above_max_length",
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_refusal_is_the_same_on_both_faces(
    channel: grpc.aio.Channel, world: World, case: Case
) -> None:
    route, request = _request(case, world)
    stub, metadata = _stub(channel, route), _metadata(world.key)
    for method in filter(None, (route.unary, route.streaming)):
        call = getattr(stub, method.name)(request, metadata=metadata)
        error = await _refusal(call if method is route.unary else call.read())
        assert _explained(error) == _expected(case, world)


@pytest.mark.parametrize(
    ("metadata", "message", "reason"),
    [
        ((), NO_KEY, "MISSING_API_KEY"),
        ((("authorization", "Bearer "),), NO_KEY, "MISSING_API_KEY"),
        (
            _metadata("wrong-key-0123456789"),
            WRONG_KEY.format("wrong-ke********6789"),
            "INVALID_API_KEY",
        ),
    ],
)
async def test_a_key_comes_before_everything(
    channel: grpc.aio.Channel, metadata: Metadata, message: str, reason: str
) -> None:
    stub = assistants_service_pb2_grpc.AssistantsServiceStub(channel)
    request = assistant_pb2.CreateAssistantRequest(temperature=9)
    error = await _refusal(stub.CreateAssistant(request, metadata=metadata))
    assert _explained(error) == (grpc.StatusCode.UNAUTHENTICATED, message, None, reason)


async def test_projects_do_not_see_each_other(
    channel: grpc.aio.Channel, world: World, new_key: Callable[[], str]
) -> None:
    stub = assistants_service_pb2_grpc.AssistantsServiceStub(channel)
    id = world.ids["assistant"]
    request = assistant_pb2.GetAssistantRequest(assistant_id=id)
    assert (await stub.GetAssistant(request, metadata=_metadata(world.key))).id == id
    other = _metadata(new_key())
    error = await _refusal(stub.GetAssistant(request, metadata=other))
    assert error.details() == f"No assistant found with id '{id}'."
    listed = await stub.ListAssistants(assistant_pb2.ListAssistantsRequest(), metadata=other)
    assert not listed.data


async def test_both_faces_show_one_world(
    channel: grpc.aio.Channel, api: Api, deployment: Deployment
) -> None:
    stub = assistants_service_pb2_grpc.AssistantsServiceStub(channel)
    key = api.headers["Authorization"].removeprefix("Bearer ")
    request = assistant_pb2.CreateAssistantRequest(model="demo/demo", name="n", metadata={"a": "b"})
    made = await stub.CreateAssistant(request, metadata=_metadata(key))
    shown = await api.get(f"/assistants/{made.id}")
    assert (shown["name"], shown["metadata"]) == ("n", {"a": "b"})
    await api.post(f"/assistants/{made.id}", {"name": None})
    get = assistant_pb2.GetAssistantRequest(assistant_id=made.id)
    assert not (await stub.GetAssistant(get, metadata=_metadata(key))).HasField("name")


@pytest.mark.parametrize("service", ["", "store", *(service.full_name for service in SERVICES)])
async def test_health_needs_no_key(channel: grpc.aio.Channel, service: str) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    watching = stub.Watch(health_pb2.HealthCheckRequest(service=service))
    assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
    watching.cancel()


async def test_health_of_what_is_not_there(channel: grpc.aio.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    error = await _refusal(stub.Check(health_pb2.HealthCheckRequest(service="nobody")))
    assert error.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_tells_the_contract(channel: grpc.aio.Channel) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(
            file_containing_symbol="understudy.v1.AssistantsService"
        ),
    ]
    listed, file = [answer async for answer in stub.ServerReflectionInfo(iter(asked))]
    names = {service.name for service in listed.list_services_response.service}
    assert names >= {service.full_name for service in SERVICES}
    assert file.file_descriptor_response.file_descriptor_proto
