"""What holds for every request: an id, its time, a line in the log, and errors in OpenAI's shape."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import grpc
import structlog
from aiohttp import hdrs, web

from understudy_edge.caller import is_printable
from understudy_edge.errors import (
    ANSWERS,
    INTERNAL,
    TIMEOUT,
    TOO_LARGE,
    Refusal,
    refusal_of_problem,
    refusal_of_status,
)
from understudy_edge.problems import Problem
from understudy_edge.told import hear, listen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from understudy_edge.cors import Cors

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_VERSION: Final = "2020-10-01"
_ECHOED: Final = ("openai-organization", "openai-project")
_CLIENT_GONE: Final = 499


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request, as this server sees it."""

    request_id: str
    started: float
    """Seconds of the monotonic clock."""
    route: str
    """The path template; the path itself until the template is known."""
    told: dict[str, str] = field(default_factory=dict)
    """Headers that the core has an answer carry."""

    def elapsed_ms(self) -> int:
        return round((time.monotonic() - self.started) * 1000)


EXCHANGE: Final = web.RequestKey("exchange", Exchange)


def error_response(refusal: Refusal) -> web.Response:
    return web.Response(
        status=refusal.answer.status,
        body=refusal.body(),
        content_type="application/json",
        headers=refusal.headers(),
    )


class Observer:
    """The outermost middleware, and the signal that completes the headers of every response."""

    def __init__(self, cors: Cors) -> None:
        self._cors = cors
        self._log = structlog.get_logger()

    def install(self, app: web.Application) -> None:
        @web.middleware
        async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._observe(request, handler)

        app.middlewares.append(observe)
        app.on_response_prepare.append(self._complete)

    async def _observe(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        exchange = request[EXCHANGE] = _begun(request)
        listen(exchange.told)
        status = _CLIENT_GONE
        try:
            response = self._cors.preflight(request) or await self._answer(request, handler)
            status = response.status
            if request.content.exception() is not None:
                # Where a body that breaks its own encoding ends, and so the next request begins, is lost.
                response.force_close()
        finally:
            self._log.info(
                "request",
                method=request.method,
                route=exchange.route,
                status=status,
                ms=exchange.elapsed_ms(),
                request_id=exchange.request_id,
            )
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The handler's response, or what it raised as one."""
        try:
            return await handler(request)
        except Problem as problem:
            return error_response(refusal_of_problem(problem))
        except grpc.aio.AioRpcError as error:
            hear(error.trailing_metadata())
            refusal = refusal_of_status(error)
            if refusal.answer.status >= INTERNAL.answer.status:
                self._report(request, "core_failed", code=error.code().name, text=error.details())
            return error_response(refusal)
        except TimeoutError:
            self._report(request, "core_silent")
            return error_response(TIMEOUT)
        except web.HTTPException as error:
            return error_response(_refusal_of_aiohttp(error))
        except Exception:  # noqa: BLE001  the last resort: a fault is logged, and never shown
            self._log.exception("request_failed", request_id=request[EXCHANGE].request_id)
            return error_response(INTERNAL)

    def _report(self, request: web.Request, event: str, **facts: str | None) -> None:
        exchange = request[EXCHANGE]
        self._log.warning(event, route=exchange.route, request_id=exchange.request_id, **facts)

    async def _complete(self, request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        # Without the name and version of what it is built with.
        headers[hdrs.SERVER] = "understudy"
        # aiohttp answers an odd `Expect` header before any middleware runs.
        exchange = request.get(EXCHANGE) or _begun(request)
        headers["x-request-id"] = exchange.request_id
        headers["openai-processing-ms"] = str(exchange.elapsed_ms())
        headers["openai-version"] = _VERSION
        headers.update(exchange.told)
        for name in _ECHOED:
            value = request.headers.get(name)
            if value and is_printable(value):
                headers[name] = value
        headers.update(self._cors.headers(request.headers))


def _begun(request: web.Request) -> Exchange:
    return Exchange(
        request_id=f"req_{secrets.token_hex(16)}",
        started=time.monotonic(),
        route=request.path,
    )


def _refusal_of_aiohttp(error: web.HTTPException) -> Refusal:
    """What aiohttp itself refuses, in our shape; only its reason phrase is shown."""
    if error.status == TOO_LARGE.answer.status:
        return TOO_LARGE
    if error.status >= INTERNAL.answer.status:
        return INTERNAL
    named = {404: "UNKNOWN_URL", 405: "METHOD_NOT_ALLOWED"}.get(error.status, "INVALID_VALUE")
    return Refusal(answer=ANSWERS[named], message=f"{error.reason}.")
