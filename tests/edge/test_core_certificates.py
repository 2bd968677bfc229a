"""New certificates between an edge and a real core, while a stream of events goes on."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from structlog.testing import capture_logs

from tests.certificates import Issued, issue
from tests.edge.conftest import HEADERS
from tests.relay import Link
from tests.server.runs.scripted import ScriptedModels, Wait, finished
from understudy_edge.app import EdgeServer, create_app
from understudy_edge.channel import open_channel
from understudy_edge.config import EdgeConfig
from understudy_edge.core_tls import CoreTls
from understudy_server.app import open_core
from understudy_server.config import CoreConfig
from understudy_server.listening import listen
from understudy_server.models.port import TextDelta
from understudy_server.tls import Tls as CoreListenerTls

PATIENCE = 100
"""Seconds until something that must come counts as never coming."""


class Peers:
    """The core's service of models, which remembers what certificates its callers show."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.shown: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def ListModels(self, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        (pem,) = context.auth_context()["x509_pem_cert"]
        self.shown.append(ssl.PEM_cert_to_DER_cert(pem.decode()))
        return await self._inner.ListModels(request, context)


class Methods(grpc.aio.ServerInterceptor):
    def __init__(self) -> None:
        self.called: list[str] = []

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        self.called.append(handler_call_details.method.rpartition("/")[2])
        return await continuation(handler_call_details)


@dataclass(frozen=True, kw_only=True)
class Both:
    """A core and an edge that know each other by certificates in ``folder``."""

    folder: Path
    core: Issued
    edge: Issued
    link: Link
    http: aiohttp.ClientSession
    peers: Peers
    gate: asyncio.Event
    methods: Methods

    def issue(self) -> None:
        """To both, by new authorities."""
        issue(self.folder / "core")
        issue(self.folder / "edge")

    async def shown(self) -> bytes:
        """The certificate that the edge shows with a new call."""
        async with self.http.get("/v1/models") as response:
            assert response.status == 200
        return self.peers.shown[-1]

    async def shows(self, certificate: Path) -> None:
        expected = leaf(certificate)
        async with asyncio.timeout(PATIENCE):
            while await self.shown() != expected:
                pass

    async def begin(self) -> aiohttp.ClientResponse:
        """A stream that has sent its first word, and goes on when the gate is opened."""
        async with self.http.post("/v1/assistants", json={"model": "any"}) as response:
            assistant = (await response.json())["id"]
        message = {"role": "user", "content": "Hello"}
        response = await self.http.post(
            "/v1/threads/runs",
            json={
                "assistant_id": assistant,
                "stream": True,
                "thread": {"messages": [message]},
            },
        )
        assert response.status == 200
        async with asyncio.timeout(PATIENCE):
            while b"before" not in await response.content.readuntil(b"\n\n"):
                pass
        return response


async def connected(link: Link, times: int) -> None:
    """Return when so many connections lead to the core."""
    async with asyncio.timeout(PATIENCE):
        while len(link._serving) != times:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)


def leaf(certificate: Path) -> bytes:
    first, end, _ = certificate.read_text().partition("-----END CERTIFICATE-----")
    return ssl.PEM_cert_to_DER_cert(first + end)


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    core, own = issue(tmp_path / "core"), issue(tmp_path / "edge")
    gate, methods = asyncio.Event(), Methods()
    config = CoreConfig(
        store="memory://",
        auth=False,
        grace=0,
        tls=CoreListenerTls(certificate=core.certificate, key=core.key, client_ca=own.ca),
    )
    models = ScriptedModels(
        [TextDelta(text="before"), Wait(gate), TextDelta(text="after"), finished()]
    )
    async with open_core(config, models=models) as opened:
        peers = Peers(opened.models)
        watched: Any = replace(
            opened,
            models=peers,  # type: ignore[arg-type]  # in all that is asked of it
            interceptors=(methods, *opened.interceptors),
        )
        tls = CoreTls(ca=core.ca, certificate=own.certificate, key=own.key)
        async with listen(watched, "127.0.0.1:0", config) as port, Link(port) as link:
            async with served(link.address, tls) as http:
                yield Both(
                    folder=tmp_path,
                    core=core,
                    edge=own,
                    link=link,
                    http=http,
                    peers=peers,
                    gate=gate,
                    methods=methods,
                )
            await connected(link, 0)


@asynccontextmanager
async def served(address: str, tls: CoreTls) -> AsyncIterator[aiohttp.ClientSession]:
    # A busy machine is no dead core.
    async with open_channel([address], keepalive_timeout=PATIENCE, tls=tls) as channel:
        server = EdgeServer(create_app(channel, EdgeConfig(retry_seconds=PATIENCE)))
        await server.start("127.0.0.1", 0)
        try:
            async with aiohttp.ClientSession(server.url, headers=HEADERS) as session:
                yield session
        finally:
            await server.stop(0)


async def test_new_certificates_are_for_new_calls_and_open_streams_go_on(both: Both) -> None:
    stream = await both.begin()
    assert await both.shown() == leaf(both.edge.certificate)
    await connected(both.link, 1)
    both.issue()
    await both.shows(both.edge.certificate)
    await connected(both.link, 2)
    async with both.http.get("/ready") as ready:
        assert ready.status == 200
    assert len(both.link._serving) == 2
    both.gate.set()
    rest = await stream.read()
    assert b"after" in rest
    assert rest.endswith(b"event: done\ndata: [DONE]\n\n")
    # It was the same call all the time, and its connection ends with it.
    assert "StreamRunEvents" not in both.methods.called
    await connected(both.link, 1)
    assert await both.shown() == leaf(both.edge.certificate)
    assert both.link.connections == 2


async def test_files_that_cannot_be_used_change_nothing_until_they_can(both: Both) -> None:
    before = await both.shown()
    with capture_logs() as logs:
        for broken in (both.edge.key, both.core.ca):
            sound = broken.read_bytes()
            broken.write_text("rubbish")
            said = len(logs)
            async with asyncio.timeout(PATIENCE):
                while not any(log["event"] == "certificate_unreadable" for log in logs[said:]):
                    assert await both.shown() == before
            assert await both.shown() == before
            broken.write_bytes(sound)
    assert both.link.connections == 1
    both.issue()
    await both.shows(both.edge.certificate)
    await connected(both.link, 1)
    assert both.link.connections == 2


async def test_an_edge_that_stops_closes_older_connections_too(both: Both) -> None:
    await both.begin()
    both.issue()
    await both.shows(both.edge.certificate)
    await connected(both.link, 2)
