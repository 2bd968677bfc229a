"""What happens around every RPC: who calls, is it within limits, how did it end."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Protocol, TypeAlias
from uuid import uuid4

import grpc
from google.protobuf.message import Message
from grpc import StatusCode, aio
from structlog.typing import FilteringBoundLogger

from understudy_server.auth.credentials import api_key
from understudy_server.auth.principal import Principal
from understudy_server.auth.scopes import Scopes
from understudy_server.clock import Clock
from understudy_server.errors import DomainError, Forbidden, StoreError
from understudy_server.limits.admission import Admitted
from understudy_server.limits.words import missing_scope
from understudy_server.rpc.announcing import announcing
from understudy_server.rpc.caller import Caller, enter
from understudy_server.rpc.errors import to_status
from understudy_server.rpc.limits import Limits
from understudy_server.rpc.stalling import (
    READER_PATIENCE,
    SENDER_PATIENCE,
    Behaviour,
    arriving,
    writing,
)
from understudy_server.rpc.unanswerable import (
    lenient,
    no_such_method,
    not_offered,
    refuse_unreadable,
    shown_name,
)

OPEN_SERVICES = ("/grpc.health.v1.", "/grpc.reflection.")
"""Answered without a key: load balancers and tools ask them, and they tell nothing of anybody."""

_REQUEST_ID_LENGTH = 128

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Authenticator(Protocol):
    """Tells whose key it is."""

    async def authenticate(self, key: str | None) -> Principal:
        """Raises ``MissingApiKey``, ``InvalidApiKey`` or ``StoreError``."""
        ...


class Gate(Protocol):
    """Tells whether a key may make one more call."""

    async def admit(self, principal: Principal) -> Admitted:
        """Counts the call. Raises ``StoreError``."""
        ...


class CallInterceptor(aio.ServerInterceptor):
    """Authenticates, checks limits, turns errors into statuses and writes one log line per call."""

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        gate: Gate,
        scopes: Scopes,
        limits: Limits,
        clock: Clock,
        log: FilteringBoundLogger,
        patience: float = READER_PATIENCE,
        sender_patience: float = SENDER_PATIENCE,
    ) -> None:
        """``patience`` with readers, ``sender_patience``: see `stalling`."""
        self._patience = patience
        self._sender_patience = sender_patience
        self._authenticator = authenticator
        self._gate = gate
        self._scopes = scopes
        self._limits = limits
        self._clock = clock
        self._log = log
        self._guarded: dict[str, tuple[_Handler, _Handler]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler | None:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if method.startswith(OPEN_SERVICES):
            return handler
        if handler is None:
            # Not kept: there is no end of names.
            return self._unknown(shown_name(method))
        original, guarded = self._guarded.get(method, (None, None))
        if guarded is None or original is not handler:
            guarded = self._guard(method, handler)
            self._guarded[method] = (handler, guarded)
        return guarded

    def _guard(self, method: str, handler: _Handler) -> _Handler:
        streams = handler.request_streaming, handler.response_streaming
        build, inner = {
            (False, False): (grpc.unary_unary_rpc_method_handler, handler.unary_unary),
            (False, True): (grpc.unary_stream_rpc_method_handler, handler.unary_stream),
            (True, False): (grpc.stream_unary_rpc_method_handler, handler.stream_unary),
            (True, True): (grpc.stream_stream_rpc_method_handler, handler.stream_stream),
        }[streams]
        assert inner is not None
        run = writing(inner, self._patience) if handler.response_streaming else _respond(inner)
        run = self._check_each(run) if handler.request_streaming else self._check(run)
        needed = self._scopes.needed(method)
        streams_answer = handler.response_streaming

        async def guarded(request: Any, context: aio.ServicerContext[Any, Any]) -> Any:
            return await self._handle(
                method, run, request, context, needed=needed, streams_answer=streams_answer
            )

        return build(guarded, lenient(handler.request_deserializer), handler.response_serializer)

    def _unknown(self, method: str) -> _Handler:
        async def guarded(requests: Any, context: aio.ServicerContext[Any, Any]) -> Any:
            return await self._handle(
                method, no_such_method, requests, context, needed=frozenset(), streams_answer=True
            )

        # Nobody knows what its caller expects to stream. This one fits all, as it reads and writes nothing.
        return grpc.stream_stream_rpc_method_handler(guarded)

    def _check(self, behaviour: Behaviour) -> Behaviour:
        async def check(request: Message, context: aio.ServicerContext[Any, Any]) -> Any:
            refuse_unreadable(request)
            self._limits.check(request)
            return await behaviour(request, context)

        return check

    def _check_each(self, behaviour: Behaviour) -> Behaviour:
        """Each message when the handler takes it, so that one at fault ends the call there."""

        async def checked(
            requests: AsyncIterator[Message], context: aio.ServicerContext[Any, Any]
        ) -> AsyncGenerator[Message, None]:
            async for request in arriving(requests, self._sender_patience):
                refuse_unreadable(request)
                self._limits.check(request)
                yield request
            # grpc.aio shows a call that broke as a stream that ended. Only one that did end can be answered, so
            # this fails for the other before its handler goes on with half of what was to come.
            await context.send_initial_metadata(())

        async def check(
            requests: AsyncIterator[Message], context: aio.ServicerContext[Any, Any]
        ) -> Any:
            async with aclosing(checked(requests, context)) as good:
                return await behaviour(good, context)

        return check

    async def _handle(
        self,
        method: str,
        run: Behaviour,
        request: Message | AsyncIterator[Message],
        context: aio.ServicerContext[Any, Any],
        *,
        needed: frozenset[str],
        streams_answer: bool,
    ) -> Any:
        started = self._clock.monotonic()
        metadata = _texts(context)
        request_id = metadata.get("x-request-id", "")[:_REQUEST_ID_LENGTH] or f"req_{uuid4().hex}"
        log = self._log.bind(method=method, request_id=request_id)
        code = StatusCode.OK
        admitted = Admitted()
        try:
            key = api_key(metadata.get("authorization"))
            principal = await self._authenticator.authenticate(key)
            log = log.bind(project=principal.project, key_id=principal.key_id)
            admitted = await self._gate.admit(principal)
            if admitted.refusal is not None:
                raise admitted.refusal
            if missing := needed - principal.scopes:
                raise Forbidden(missing_scope(", ".join(sorted(missing))))
            enter(
                Caller(
                    project=principal.project,
                    key_id=principal.key_id,
                    stored_key=principal.stored_id,
                    request_id=request_id,
                    idempotency_key=metadata.get("idempotency-key") or None,
                    repeated=metadata.get("previous-attempts", "0") != "0",
                    limits=principal.limits,
                    budget=principal.budget,
                )
            )
            answering = context
            if admitted.pairs:
                context.set_trailing_metadata(admitted.pairs)
                if streams_answer:
                    answering = announcing(context, admitted.pairs)
            response = await run(request, answering)
            code = _code(context, StatusCode.OK)
        except (aio.AbortError, aio.InternalError):
            # The handler ended the call itself, or the connection broke under it.
            code = _code(context, StatusCode.CANCELLED)
            raise
        except asyncio.CancelledError:
            code = StatusCode.CANCELLED
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
            error = _declared(error, context)
            _explain(log, error)
            status = to_status(error)
            code = status.code
            try:
                await context.abort(
                    code, status.details, (*status.trailing_metadata, *admitted.pairs)
                )
            except aio.InternalError:
                # The caller left while it was being told, which is no fault of this server.
                raise asyncio.CancelledError from None
        else:
            return response
        finally:
            elapsed = self._clock.monotonic() - started
            log.info("call", code=code.name, ms=round(elapsed * 1_000, 3))


def _respond(behaviour: Behaviour) -> Behaviour:
    async def respond(request: Any, context: aio.ServicerContext[Any, Any]) -> Any:
        return await behaviour(request, context)

    return respond


def _texts(context: aio.ServicerContext[Any, Any]) -> dict[str, str]:
    metadata = context.invocation_metadata() or ()
    return {key: value for key, value in metadata if isinstance(value, str)}


def _code(context: aio.ServicerContext[Any, Any], default: StatusCode) -> StatusCode:
    found: Any = context.code()  # None until somebody sets it, whatever the stubs say
    code: StatusCode = found or default
    return code


def _declared(error: Exception, context: aio.ServicerContext[Any, Any]) -> Exception:
    """What generated servicers raise for an RPC that nobody wrote is no fault but a fact."""
    if isinstance(error, NotImplementedError) and context.code() is StatusCode.UNIMPLEMENTED:
        return not_offered()
    return error


def _explain(log: FilteringBoundLogger, error: Exception) -> None:
    """Log what the caller is not told. Exception texts may quote users' content, so no such text."""
    if isinstance(error, StoreError):
        log.warning("store failed", error=type(error).__name__, reason=error.message)
    elif not isinstance(error, DomainError) or type(error) is DomainError:
        frames = "".join(traceback.format_tb(error.__traceback__))
        log.error("unexpected error", error=type(error).__qualname__, frames=frames)
