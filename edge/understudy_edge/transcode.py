"""One request: from HTTP to a call of the core, and its answer back.

A caller without a good key learns nothing about its request: before the edge tells what is wrong with
one, it asks the core about the key. A request that is fine costs one call, which checks the key itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from google.protobuf.message_factory import GetMessageClass

from understudy.v1 import (
    assistants_service_pb2_grpc,
    auth_service_pb2,
    auth_service_pb2_grpc,
    run_pb2,
    upload_pb2,
)
from understudy_edge.binding import bind_place
from understudy_edge.body import read_body
from understudy_edge.caller import (
    Metadata,
    caller_metadata,
    idempotency_metadata,
    own_idempotency_metadata,
    require_beta,
)
from understudy_edge.patience import Patience, attempt_metadata, call, reached, repeats
from understudy_edge.problems import Problem
from understudy_edge.resume import Position, RunEvents
from understudy_edge.told import hearing
from understudy_edge.transfers import Transfers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    import grpc
    from google.protobuf.descriptor import MethodDescriptor
    from google.protobuf.message import Message

    from understudy_edge.codec import Codec
    from understudy_edge.config import EdgeConfig
    from understudy_edge.matcher import Match
    from understudy_edge.patience import Repeats
    from understudy_edge.routes import Route
    from understudy_edge.sse import EventWriter

_POLL_AFTER: Final = "openai-poll-after-ms"
_WAITING: Final = (
    run_pb2.CreateRunRequest,
    run_pb2.CreateThreadAndRunRequest,
    run_pb2.SubmitToolOutputsRequest,
)
_DEFAULT_WAIT: Final = 60
_LONGEST_WAIT: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operation:
    """A route with the calls that it makes."""

    request_class: type[Message]
    unary: grpc.aio.UnaryUnaryMultiCallable[Message, Message] | None
    streaming: grpc.aio.UnaryStreamMultiCallable[Message, Any] | None
    upload: grpc.aio.StreamUnaryMultiCallable[Message, Any] | None
    download: grpc.aio.UnaryStreamMultiCallable[Message, Any] | None
    bound_fields: frozenset[str]
    """Those that the body must not hold: they come from the path or the query."""
    repeats: Repeats


class Transcoder:
    """Serves the matched requests of all routes over one channel."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        routes: Iterable[Route],
        *,
        codec: Codec,
        writer: EventWriter,
        config: EdgeConfig,
    ) -> None:
        self._codec = codec
        self._writer = writer
        self._config = config
        self._channel = channel
        self._transfers = Transfers(channel, codec, config)
        self._auth = auth_service_pb2_grpc.AuthServiceStub(channel)
        self._assistants = assistants_service_pb2_grpc.AssistantsServiceStub(channel)
        self._operations = {
            (route.verb, route.template): _operation(channel, route) for route in routes
        }

    async def serve(
        self, request: web.Request, match: Match, *, request_id: str
    ) -> web.StreamResponse:
        """Raises ``Problem`` and ``grpc.aio.AioRpcError`` as long as nothing has been sent."""
        route = match.route
        operation = self._operations[route.verb, route.template]
        metadata = caller_metadata(request.headers, request_id=request_id)
        try:
            if route.beta:
                require_beta(request.headers, route.beta)
            given = idempotency_metadata(request.headers)
            if operation.repeats == "with a key" and not given and self._config.retry_seconds:
                given = own_idempotency_metadata(request_id)
            if operation.upload is not None:
                answer = await self._transfers.upload(
                    operation.upload,
                    request,
                    match,
                    metadata=metadata + given,
                    repeatable=operation.repeats != "never",
                )
                return self._answered(answer)
            message = await self._message(request, match, operation)
        except Problem:
            await self._ask(
                self._auth.CheckKey,
                auth_service_pb2.CheckKeyRequest(),
                metadata,
                repeatable=True,
            )
            raise
        metadata += given
        if operation.download is not None:
            return await self._transfers.download(
                operation.download, request, message, metadata=metadata
            )
        if operation.unary is None or _wants_stream(route, message):
            return await self._stream(request, operation, message, metadata)
        repeatable = operation.repeats != "never"
        answer = await self._ask(operation.unary, message, metadata, repeatable=repeatable)
        response = self._answered(answer)
        if route.polled:
            response.headers[_POLL_AFTER] = str(self._config.poll_after_ms)
        return response

    def _answered(self, answer: Message) -> web.Response:
        return web.Response(body=self._codec.encode(answer), content_type="application/json")

    async def _ask(
        self,
        method: Callable[..., Awaitable[Any]],
        message: Message,
        metadata: Metadata,
        *,
        repeatable: bool,
    ) -> Any:
        return await call(
            self._channel,
            hearing(method),
            message,
            metadata=metadata,
            timeout=self._timeout(message),
            repeatable=repeatable,
            patience=Patience(self._config.retry_seconds),
        )

    async def _message(self, request: web.Request, match: Match, operation: _Operation) -> Message:
        body = await read_body(request, limit=self._config.body_limit)
        message = self._codec.decode_body(
            operation.request_class, body, bound=operation.bound_fields
        )
        bind_place(self._codec, message, request, match)
        return message

    def _timeout(self, message: Message) -> float:
        """Seconds. A call that waits for its run is given the time that it asked to wait; one that has all bytes of
        a large file read and compared takes as long as those are many.
        """
        if isinstance(message, upload_pb2.CompleteUploadRequest) and message.HasField("md5"):
            return max(self._config.request_timeout, _LONGEST_WAIT)
        if not isinstance(message, _WAITING) or not message.wait:
            return self._config.request_timeout
        asked = message.wait_timeout if message.HasField("wait_timeout") else _DEFAULT_WAIT
        return self._config.request_timeout + min(max(asked, 0), _LONGEST_WAIT)

    async def _stream(
        self, request: web.Request, operation: _Operation, message: Message, metadata: Metadata
    ) -> web.StreamResponse:
        streaming = operation.streaming
        assert streaming is not None
        events = RunEvents(
            lambda earlier: streaming(message, metadata=metadata + attempt_metadata(earlier)),
            position=_position(message),
            repeatable=operation.repeats != "never" and self._config.retry_seconds > 0,
            reopen=partial(self._assistants.StreamRunEvents, metadata=metadata),
            reached=partial(reached, self._channel),
            acceptance=Patience(self._config.retry_seconds),
            patience=Patience(self._config.resume_seconds),
        )
        try:
            async with asyncio.timeout(self._config.request_timeout):
                await events.wait_accepted()
            return await self._writer.write(request, events)
        finally:
            events.cancel()


def _operation(channel: grpc.aio.Channel, route: Route) -> _Operation:
    fields = frozenset(route.request.fields_by_name)
    unary, streaming, download = route.unary, route.streaming, route.download
    upload = route.upload is not None
    return _Operation(
        request_class=GetMessageClass(route.request),
        unary=channel.unary_unary(*_call(unary)) if unary and not upload else None,
        streaming=channel.unary_stream(*_call(streaming)) if streaming else None,
        upload=channel.stream_unary(*_call(unary)) if unary and upload else None,
        download=channel.unary_stream(*_call(download)) if download else None,
        bound_fields=fields
        if not route.has_body
        else fields & {*route.path_fields, *route.query_fields},
        repeats=repeats(route.method),
    )


def _call(method: MethodDescriptor) -> tuple[str, Any, Any]:
    """Path, serializer and deserializer of a method."""
    return (
        f"/{method.containing_service.full_name}/{method.name}",
        GetMessageClass(method.input_type).SerializeToString,
        GetMessageClass(method.output_type).FromString,
    )


def _wants_stream(route: Route, message: Message) -> bool:
    return route.streaming is not None and bool(getattr(message, "stream", False))


def _position(message: Message) -> Position:
    """What a request tells about the run; the rest is learned from its events."""
    if isinstance(message, run_pb2.StreamRunEventsRequest):
        return Position(message.thread_id, message.run_id, message.after)
    if isinstance(message, run_pb2.SubmitToolOutputsRequest):
        return Position(message.thread_id, message.run_id)
    return Position()
