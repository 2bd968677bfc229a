"""A real gRPC server whose answers a test writes: everything that the edge can meet, nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from understudy.v1 import auth_service_pb2, error_pb2
from understudy_edge.app import SERVICES

GOOD_KEY = "sk-good"
Context = grpc.aio.ServicerContext[Any, Any]
Unary = Callable[[Any, Context], Awaitable[Message]]
Stream = Callable[[Any, Context], AsyncIterator[Message]]
Upload = Callable[[AsyncIterator[Any], Context], Awaitable[Message]]

_CODES = {
    "MISSING_API_KEY": grpc.StatusCode.UNAUTHENTICATED,
    "INVALID_API_KEY": grpc.StatusCode.UNAUTHENTICATED,
    "NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "STATE_CONFLICT": grpc.StatusCode.FAILED_PRECONDITION,
    "UNAVAILABLE": grpc.StatusCode.UNAVAILABLE,
}


Pairs = tuple[tuple[str, str], ...]


async def fail(
    context: Context, reason: str, message: str, *, param: str = "", pairs: Pairs = ()
) -> None:
    """End a call as the core ends it: with a status that holds an ErrorDetail, and these ``pairs`` beside it."""
    detail = any_pb2.Any()
    detail.Pack(
        error_pb2.ErrorDetail(reason=error_pb2.Reason.Value(f"REASON_{reason}"), param=param)
    )
    code = _CODES.get(reason, grpc.StatusCode.INVALID_ARGUMENT)
    status = status_pb2.Status(code=code.value[0], message=message, details=[detail])
    made = rpc_status.to_status(status)
    await context.abort(made.code, made.details, (*made.trailing_metadata, *pairs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    method: str
    request: Any
    metadata: dict[str, str | bytes]


@dataclass(slots=True, kw_only=True)
class FakeCore:
    """Answers every method with an empty message, or as ``unary``, ``streams`` and ``uploads`` say."""

    unary: dict[str, Unary] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    health: health.aio.HealthServicer = field(default_factory=health.aio.HealthServicer)
    listen: str = "127.0.0.1:0"
    address: str = ""
    hold: asyncio.Event | None = None
    """While it is set to an event that has not come, streams are not accepted."""
    initial: Pairs = ()
    """The initial metadata of streams."""
    _server: grpc.aio.Server | None = None

    async def start(self) -> None:
        server = grpc.aio.server(options=(("grpc.max_receive_message_length", -1),))
        auth = auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"]
        for service in (*SERVICES, auth):
            handlers = {method.name: self._handler(method) for method in service.methods}
            server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service.full_name, handlers),)
            )
        health_pb2_grpc.add_HealthServicer_to_server(self.health, server)
        for name in ("", "store"):
            await self.health.set(name, health_pb2.HealthCheckResponse.SERVING)
        port = server.add_insecure_port(self.listen)
        await server.start()
        self._server = server
        self.address = self.listen.replace(":0", f":{port}")

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(None)

    def methods(self) -> list[str]:
        return [call.method for call in self.calls]

    def request(self, method: str) -> Any:
        """The only request that the method got."""
        (found,) = [call.request for call in self.calls if call.method == method]
        return found

    def uploaded(self, method: str) -> tuple[Any, bytes]:
        """The metadata and the bytes of the only stream that was read to its end for the method."""
        messages = self.request(method)
        (metadata,) = [m.metadata for m in messages if m.HasField("metadata")]
        return metadata, b"".join(m.data for m in messages if m.HasField("data"))

    async def _receive(self, method: MethodDescriptor, request: Any, context: Context) -> None:
        metadata = dict(context.invocation_metadata() or ())
        self.calls.append(Call(method=method.name, request=request, metadata=metadata))
        key = metadata.get("authorization")
        if key is None:
            await fail(context, "MISSING_API_KEY", "You didn't provide an API key.")
        if key != f"Bearer {GOOD_KEY}":
            await fail(context, "INVALID_API_KEY", "Incorrect API key provided.")

    def _handler(self, method: MethodDescriptor) -> grpc.RpcMethodHandler[Any, Any]:
        answer_class = GetMessageClass(method.output_type)

        async def unary(request: Any, context: Context) -> Message:
            await self._receive(method, request, context)
            script = self.unary.get(method.name)
            return answer_class() if script is None else await script(request, context)

        async def upload(requests: AsyncIterator[Any], context: Context) -> Message:
            received: list[Any] = []
            await self._receive(method, received, context)
            script = self.uploads.get(method.name)
            if script is not None:
                return await script(requests, context)
            received.extend([request async for request in requests])
            return answer_class()

        async def stream(request: Any, context: Context) -> AsyncIterator[Message]:
            await self._receive(method, request, context)
            if self.hold is not None:
                await self.hold.wait()
            await context.send_initial_metadata(self.initial)
            script = self.streams.get(method.name)
            if script is not None:
                async for batch in script(request, context):
                    yield batch
            elif method.name == "GetFileContent":
                yield answer_class(file={})

        make: Any = grpc.unary_unary_rpc_method_handler
        behaviour: Any = unary
        if method.server_streaming:
            make, behaviour = grpc.unary_stream_rpc_method_handler, stream
        elif method.client_streaming:
            make, behaviour = grpc.stream_unary_rpc_method_handler, upload
        handler: grpc.RpcMethodHandler[Any, Any] = make(
            behaviour,
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=answer_class.SerializeToString,
        )
        return handler


async def forever() -> None:
    """A core with nothing more to say."""
    await asyncio.Event().wait()
