"""A server between the SDK and the emulator: it writes down what is sent, and misbehaves as it is told.

async with Gateway(port) as gateway:
    store = await CosmosStore.open(parse_url(url(gateway.port, "c"), {}), clock)
    gateway.misbehave(throttle(50), times=2)
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import aiohttp
from aiohttp import web

Forward: TypeAlias = Callable[[], Awaitable[web.Response]]
Mishap: TypeAlias = Callable[[web.Request, Forward], Awaitable[web.StreamResponse]]

_NOT_PASSED_ON = {"connection", "content-length", "content-encoding", "transfer-encoding", "host"}


@dataclass(frozen=True, slots=True)
class Sent:
    method: str
    path: str
    headers: Mapping[str, str]
    """With names in lower case."""
    body: Any
    """Parsed, or None."""

    @property
    def what(self) -> str:
        """What kind of request this is, about items."""
        if self.headers.get("x-ms-cosmos-is-batch-request"):
            return "batch"
        if self.headers.get("x-ms-cosmos-is-query-plan-request"):
            return "plan"
        if self.headers.get("x-ms-documentdb-isquery"):
            return "query"
        return {"GET": "read", "POST": "write", "DELETE": "delete"}[self.method]


class Gateway:
    """From ``__aenter__`` to ``__aexit__``."""

    def __init__(self, emulator: int) -> None:
        self._emulator = f"http://127.0.0.1:{emulator}"
        self._mishaps: deque[tuple[Mishap, Callable[[Sent], bool]]] = deque()
        self._asked = asyncio.Event()
        self.sent: list[Sent] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        # What a mishap holds up must not hold up the end of the test.
        self._server = web.Server(self._answer)
        self._runner = web.ServerRunner(self._server, shutdown_timeout=0, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._runner.cleanup()
        await self._session.close()

    def misbehave(
        self, mishap: Mishap, times: int = 1, where: Callable[[Sent], bool] | None = None
    ) -> None:
        """The next so many requests of which ``where`` is true come to grief; without it, those about threads."""
        where = where or is_about_threads
        self._mishaps.extend([(mishap, where)] * times)

    async def until(self, true: Callable[[], bool]) -> None:
        """Return once what was sent makes this true."""
        while not true():
            self._asked.clear()
            await self._asked.wait()

    def of_items(self) -> list[Sent]:
        """Requests about items of threads: neither signals nor what is asked about the container."""
        return [each for each in self.sent if is_about_threads(each)]

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        text = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = json.loads(text) if text else None
        sent = Sent(request.method, request.path, headers, body)
        self.sent.append(sent)
        self._asked.set()

        async def forward() -> web.Response:
            return await self._forward(request, text)

        if self._mishaps and self._mishaps[0][1](sent):
            mishap, _ = self._mishaps.popleft()
            return await mishap(request, forward)  # type: ignore[arg-type]  # a request without an application
        return await forward()

    async def _forward(self, request: web.BaseRequest, text: bytes) -> web.Response:
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in _NOT_PASSED_ON]
        url = self._emulator + request.path_qs
        async with self._session.request(
            request.method, url, data=text or None, headers=headers
        ) as found:
            passed = [(k, v) for k, v in found.headers.items() if k.lower() not in _NOT_PASSED_ON]
            content = await found.read()
            return web.Response(status=found.status, body=content, headers=dict(passed))


def is_about_threads(sent: Sent) -> bool:
    key = sent.headers.get("x-ms-documentdb-partitionkey", "")
    return "/docs" in sent.path and key not in {'["signals"]', '["ping"]'}


def throttle(milliseconds: int | None, status: int = 429) -> Mishap:
    """Nothing is done; the answer says when to come again."""

    async def mishap(request: web.Request, forward: Forward) -> web.StreamResponse:
        hint = {} if milliseconds is None else {"x-ms-retry-after-ms": str(milliseconds)}
        return web.json_response({"message": "too much"}, status=status, headers=hint)

    return mishap


def refuse(status: int, message: str = "no") -> Mishap:
    async def mishap(request: web.Request, forward: Forward) -> web.StreamResponse:
        return web.json_response({"message": message}, status=status)

    return mishap


async def lose_request(request: web.Request, forward: Forward) -> web.StreamResponse:
    """The connection ends, and nothing was done."""
    assert request.transport
    request.transport.abort()
    return web.Response()


async def lose_answer(request: web.Request, forward: Forward) -> web.StreamResponse:
    """The connection ends after everything was done."""
    await forward()
    return await lose_request(request, forward)


def hold_answer(released: asyncio.Event) -> Mishap:
    """Everything is done at once, and said only when the event is set."""

    async def mishap(request: web.Request, forward: Forward) -> web.StreamResponse:
        answer = await forward()
        await released.wait()
        return answer

    return mishap


def fail_operation(number: int, status: int) -> Mishap:
    """The batch fails at this operation."""

    async def mishap(request: web.Request, forward: Forward) -> web.StreamResponse:
        count = len(json.loads(await request.read()))
        results = [{"statusCode": status if n == number else 424} for n in range(count)]
        return web.json_response(results, status=207)

    return mishap
