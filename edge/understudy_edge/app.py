"""The edge's composition root, and a server that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from aiohttp import web

from understudy.v1 import (
    assistants_service_pb2,
    event_pb2,
    files_service_pb2,
    models_service_pb2,
    vector_stores_service_pb2,
)
from understudy_edge.codec import Codec
from understudy_edge.cors import Cors
from understudy_edge.dispatch import Dispatcher
from understudy_edge.health import Health
from understudy_edge.matcher import Matcher
from understudy_edge.middleware import Observer
from understudy_edge.openapi import openapi_document
from understudy_edge.routes import compile_routes, messages_of
from understudy_edge.sse import EventWriter
from understudy_edge.transcode import Transcoder

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Awaitable, Callable, Sequence

    import grpc

    from understudy_edge.config import EdgeConfig
    from understudy_edge.tls import Tls

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SERVICES: Final = (
    assistants_service_pb2.DESCRIPTOR.services_by_name["AssistantsService"],
    files_service_pb2.DESCRIPTOR.services_by_name["FilesService"],
    vector_stores_service_pb2.DESCRIPTOR.services_by_name["VectorStoresService"],
    models_service_pb2.DESCRIPTOR.services_by_name["ModelsService"],
)
"""The services of the REST face."""


def create_app(channel: grpc.aio.Channel, config: EdgeConfig) -> web.Application:
    """The REST face of the core behind ``channel``, which the caller closes.

    Raises ``BadRule`` and ``DialectError`` when the contract cannot be served.
    """
    routes = compile_routes(SERVICES)
    codec = Codec(messages_of(routes) | {event_pb2.RunEvent.DESCRIPTOR})
    writer = EventWriter(
        codec,
        event_ids=config.event_ids,
        heartbeat=config.heartbeat_seconds,
        patience=config.client_silence,
    )
    transcoder = Transcoder(channel, routes, codec=codec, writer=writer, config=config)
    dispatcher = Dispatcher(Matcher(routes), transcoder)
    health = Health(channel)
    app = web.Application()
    Observer(Cors(config.cors)).install(app)
    app.router.add_get("/health", health.health)
    app.router.add_get("/ready", health.ready)
    document = openapi_document(routes, codec, event=event_pb2.RunEvent.DESCRIPTOR)
    app.router.add_get("/openapi.json", _serving(document))
    app.router.add_route("*", r"/{path:[\s\S]*}", dispatcher.handle)
    return app


def _serving(document: dict[str, Any]) -> Handler:
    text = orjson.dumps(document)

    async def handle(_request: web.Request) -> web.Response:
        return web.Response(body=text, content_type="application/json")

    return handle


_AT_ONCE: Final = 0.001


class EdgeServer:
    """Runs an app on a port of its own, inside the running event loop."""

    def __init__(self, app: web.Application, tls: Tls | None = None) -> None:
        # Without cancellation an idle stream would outlive its client until the next write.
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
        self._tls = tls

    async def start(self, host: str, port: int) -> None:
        """Port 0 takes a free one. Raises ``OSError``, also for a certificate that cannot be read."""
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, ssl_context=self._context()).start()

    async def start_on(self, sockets: Sequence[socket.socket]) -> None:
        """On sockets that listen already, and that other processes may accept from as well."""
        await self._runner.setup()
        context = self._context()
        for each in sockets:
            await web.SockSite(self._runner, each, ssl_context=context).start()

    def _context(self) -> ssl.SSLContext | None:
        return None if self._tls is None else self._tls.context()

    @property
    def url(self) -> str:
        """Without a path: ``http://127.0.0.1:8080``. Only while it runs."""
        host, port = self._runner.addresses[0][:2]
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    async def stop(self, grace: float) -> None:
        """Take no more requests, give those that run ``grace`` seconds, then end them."""
        for site in list(self._runner.sites):
            await site.stop()
        server = self._runner.server
        if server is not None:
            server.pre_shutdown()
            # aiohttp waits twice for so long, for the handler and for its connection, and takes
            # zero for any time.
            await server.shutdown(max(grace / 2, _AT_ONCE))
        await self._runner.cleanup()
