"""The scripted upstream as a server: who may ask, what is recorded, which script answers."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.upstream import chat_rules, embeddings_rules, responses_rules
from tests.upstream.checks import Refused
from tests.upstream.control import control_routes
from tests.upstream.player import Player
from tests.upstream.scripts import Scripts
from tests.upstream.shared_rules import OFFERED
from tests.upstream.steps import Drop, Fail, Gate, Raw, Script, Stall, Step


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request to a model, and how it ended: exactly one of the two events gets set."""

    path: str
    headers: dict[str, str]
    """Names in lower case."""
    query: dict[str, str]
    body: Any
    peer: str
    """The client's address and port, which differ between connections."""
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    """The answer was sent to its end."""
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    """The connection closed before that."""


class ScriptedUpstream:
    """An async context manager; see the package for what it does.

    ``api_key`` None accepts any caller. ``port`` 0 takes a free one.
    """

    def __init__(self, *, api_key: str | None = "sk-test-0123456789", port: int = 0) -> None:
        self.api_key = api_key
        self.exchanges: list[Exchange] = []
        self._port = port
        self._scripts = Scripts()
        self._embedding_scripts: deque[Script] = deque()
        self._released: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._reached: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._arrived = asyncio.Condition()
        self._call_ids = itertools.count(1)
        self._answering: set[asyncio.Task[Any]] = set()
        app = web.Application(client_max_size=1 << 28)
        app.router.add_post("/v1/responses", self._answer(responses_rules.check))
        app.router.add_post("/v1/chat/completions", self._answer(chat_rules.check))
        app.router.add_post("/v1/embeddings", self._embed)
        app.router.add_get("/v1/models", self._models)
        app.add_routes(control_routes(self))
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        for task in self._answering:
            task.cancel()
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}/v1"

    def queue(self, *steps: Step) -> None:
        """The script of the next request that has none yet."""
        self._scripts.queue(steps)

    def queue_embeddings(self, *steps: Fail | Gate | Stall | Drop | Raw) -> None:
        """The script of the next request for embeddings that has none yet; ``Raw`` is the answer's whole body."""
        self._embedding_scripts.append(steps)

    def release(self, gate: str) -> None:
        """Let everybody through the gate, now and later."""
        self._released[gate].set()

    async def reached(self, gate: str) -> None:
        """Wait until an answer stands at the gate."""
        await self._reached[gate].wait()

    async def exchange(self, index: int) -> Exchange:
        """The request number ``index``, from 0; waits until it has come."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.exchanges) > index)
            return self.exchanges[index]

    def forget(self) -> None:
        """Drop what was recorded and what is queued."""
        self.exchanges.clear()
        self._scripts.clear()
        self._embedding_scripts.clear()

    def _answer(self, check: Callable[[Any], None]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            exchange = await self._record(request)
            task = asyncio.current_task()
            assert task is not None
            self._answering.add(task)
            try:
                response = await self._respond(request, exchange, check)
                if response.prepared:
                    await response.write_eof()
            except (asyncio.CancelledError, ConnectionError):
                exchange.disconnected.set()
                raise
            finally:
                self._answering.discard(task)
            exchange.finished.set()
            return response

        return handle

    async def _embed(self, request: web.Request) -> web.Response:
        exchange = await self._record(request)
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            response = await self._embedded(request, exchange.body)
        except asyncio.CancelledError:
            exchange.disconnected.set()
            raise
        finally:
            self._answering.discard(task)
        exchange.finished.set()
        return response

    async def _embedded(self, request: web.Request, body: Any) -> web.Response:
        try:
            self._check_key(request)
            if body is None:
                raise Refused("We could not parse the JSON body of your request.")
            embeddings_rules.check(body)
        except Refused as refused:
            return web.json_response(refused.body, status=refused.status)
        for step in self._embedding_scripts.popleft() if self._embedding_scripts else ():
            match step:
                case Fail():
                    return _failure(step)
                case Gate(name):
                    await self._pass_gate(name)
                case Stall():
                    await asyncio.Event().wait()
                case Drop():
                    assert request.transport is not None
                    request.transport.close()
                case Raw(text):
                    return web.Response(text=text, content_type="application/json")
                case _:
                    raise AssertionError(f"not for embeddings: {step}")
        return web.json_response(embeddings_rules.answer(body))

    async def _record(self, request: web.Request) -> Exchange:
        try:
            body = json.loads(await request.read())
        except ValueError:
            body = None
        exchange = Exchange(
            path=request.path,
            headers={name.lower(): value for name, value in request.headers.items()},
            query=dict(request.query),
            body=body,
            peer=str(request.transport and request.transport.get_extra_info("peername")),
        )
        async with self._arrived:
            self.exchanges.append(exchange)
            self._arrived.notify_all()
        return exchange

    async def _respond(
        self, request: web.Request, exchange: Exchange, check: Callable[[Any], None]
    ) -> web.StreamResponse:
        try:
            self._check_key(request)
            script = self._accepted(exchange.body, check)
        except Refused as refused:
            return web.json_response(refused.body, status=refused.status)
        if script and isinstance(script[0], Fail):
            return _failure(script[0])
        player = Player(
            request=request,
            body=exchange.body,
            pass_gate=self._pass_gate,
            call_ids=self._call_ids,
        )
        return await player.play(script)

    def _accepted(self, body: Any, check: Callable[[Any], None]) -> Script:
        if body is None:
            raise Refused("We could not parse the JSON body of your request.")
        check(body)
        if not body.get("stream"):
            raise Refused("The scripted upstream only streams.", param="stream")
        return self._scripts.choose(body)

    def _check_key(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not given and self.api_key is not None:
            raise Refused("You didn't provide an API key.", status=401)
        if self.api_key not in (None, given):
            raise Refused(
                f"Incorrect API key provided: {given}. You can find your API key at"
                " https://platform.openai.com/account/api-keys.",
                status=401,
                code="invalid_api_key",
            )

    async def _pass_gate(self, name: str) -> None:
        self._reached[name].set()
        await self._released[name].wait()

    async def _models(self, request: web.Request) -> web.Response:
        try:
            self._check_key(request)
        except Refused as refused:
            return web.json_response(refused.body, status=refused.status)
        data = [
            {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "system"}
            for name in OFFERED
        ]
        return web.json_response({"object": "list", "data": data})


def _failure(step: Fail) -> web.Response:
    error = {
        "message": step.message,
        "type": step.type,
        "param": step.param,
        "code": step.code,
    }
    headers = {} if step.retry_after is None else {"Retry-After": str(step.retry_after)}
    return web.json_response({"error": error}, status=step.status, headers=headers)
