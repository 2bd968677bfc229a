"""A reverse proxy that holds every answer against OpenAI's own description of it.

Between any SDK and the server, so that what the SDKs really receive is judged, in whichever
language they are written. It changes nothing, and passes a disconnect on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Self

import aiohttp
from aiohttp import web
from yarl import URL

from tests.background import BackgroundLoop
from tests.contract.schema import validate_event, validate_response
from tests.e2e.sse import Event, EventReader

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "host"}


class ValidatingProxy:
    """A context manager. ``violations`` collects what was wrong, as text, until it is taken."""

    def __init__(self, target: str) -> None:
        """``target`` is the server's origin, such as ``http://127.0.0.1:3500``."""
        self.origin = ""
        self._target = target
        self._violations: list[str] = []
        self._loop = BackgroundLoop()

    def __enter__(self) -> Self:
        self._loop.__enter__()
        self._loop.run(self._start())
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.run(self._stop())
        self._loop.__exit__(*error)

    def take_violations(self) -> list[str]:
        found = self._violations.copy()
        del self._violations[: len(found)]
        return found

    async def _start(self) -> None:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
            connector=aiohttp.TCPConnector(limit=0),
        )
        app = web.Application(client_max_size=1 << 28)
        app.router.add_route("*", "/{path:.*}", self._forward)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.origin = f"http://{host}:{port}"

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        url = URL(self._target + request.raw_path, encoded=True)
        headers = {n: v for n, v in request.headers.items() if n.lower() not in _HOP_BY_HOP}
        async with self._session.request(
            request.method,
            url,
            headers=headers,
            data=BytesIO(await request.read()) if request.can_read_body else None,
            allow_redirects=False,
        ) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    response.headers.add(name, value)
            await response.prepare(request)
            if answer.content_type == "text/event-stream":
                await self._pass_events(request, answer, response)
            else:
                body = await answer.read()
                # Before the client has it, and may be done with its test.
                self._judge(request, lambda: _judge_answer(request, answer, body))
                await response.write(body)
            await response.write_eof()
            return response

    async def _pass_events(
        self,
        request: web.Request,
        answer: aiohttp.ClientResponse,
        response: web.StreamResponse,
    ) -> None:
        reader = EventReader()
        last = ""
        async for chunk in answer.content.iter_any():
            for event in reader.feed(chunk):
                last = event.name
                self._judge(request, partial(_judge_event, event))
            await response.write(chunk)
        self._judge(request, lambda: _require(last == "done", f"the stream ends after '{last}'"))

    def _judge(self, request: web.Request, judge: Callable[[], object]) -> None:
        try:
            judge()
        except (AssertionError, ValueError) as error:
            self._violations.append(f"{request.method} {request.raw_path}: {error}")


def _judge_event(event: Event) -> None:
    value = event.data if event.name == "done" else json.loads(event.data)
    validate_event(event.name, value)


def _judge_answer(request: web.Request, answer: aiohttp.ClientResponse, body: bytes) -> None:
    _require(answer.headers.get("x-request-id", "").startswith("req_"), "no x-request-id")
    if answer.content_type == "application/octet-stream":
        _require(answer.headers.get("Content-Length") == str(len(body)), "no length, or another")
        _require(request.path.endswith("/content"), "bytes where there should be an object")
        return
    if request.path.startswith("/v1/"):
        validate_response(request.method, request.raw_path, answer.status, json.loads(body))


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(what)
