"""Server-sent events: the bytes of a stream, and writing it to one client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import grpc
import orjson
import structlog
from aiohttp import web

from understudy_edge.errors import INTERNAL, Refusal, refusal_of_status
from understudy_edge.middleware import EXCHANGE

if TYPE_CHECKING:
    from understudy.v1 import event_pb2
    from understudy_edge.codec import Codec
    from understudy_edge.resume import RunEvents

DONE: Final = b"event: done\ndata: [DONE]\n\n"
# Without an empty line behind it: once an `id:` was sent, OpenAI's Python client takes each empty
# line for the end of an event, and fails on the empty data of this one.
PING: Final = b": ping\n"
_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    # Proxies that collect a response before they pass it on would hold the events back.
    "X-Accel-Buffering": "no",
}


def error_event(refusal: Refusal) -> bytes:
    """The error twice, nested and flat: each client library looks for it in one of the two places."""
    members = refusal.members()
    return b"event: error\ndata: %b\n\n" % orjson.dumps({"error": members, **members})


class EventWriter:
    """Writes runs' events to clients."""

    def __init__(
        self, codec: Codec, *, event_ids: bool, heartbeat: float, patience: float = 300.0
    ) -> None:
        """``heartbeat``: seconds of silence before a comment is sent.

        ``patience``: seconds for which a client may read nothing before it is cut off.
        """
        self._patience = patience
        self._codec = codec
        self._event_ids = event_ids
        self._heartbeat = heartbeat
        self._log = structlog.get_logger()

    async def write(self, request: web.Request, events: RunEvents) -> web.StreamResponse:
        """The whole response, ``done`` included. Ends ``events`` when the client goes away."""
        response = web.StreamResponse(headers=_HEADERS)
        try:
            await response.prepare(request)
            try:
                await self._write_events(request, response, events)
            except grpc.aio.AioRpcError as error:
                refusal = refusal_of_status(error)
                self._log.warning(
                    "stream_broken",
                    request_id=request[EXCHANGE].request_id,
                    code=error.code().name,
                    text=error.details(),
                )
                await self._send(request, response, error_event(refusal))
            except ConnectionResetError:
                raise
            except Exception:  # noqa: BLE001  what has begun cannot become an HTTP error
                self._log.exception("stream_failed", request_id=request[EXCHANGE].request_id)
                await self._send(request, response, error_event(INTERNAL))
            await self._send(request, response, DONE)
            await response.write_eof()
        except ConnectionResetError:
            # The client has gone; the run goes on without it.
            pass
        finally:
            events.cancel()
        return response

    async def _send(self, request: web.Request, response: web.StreamResponse, data: bytes) -> None:
        """Waits for a slow client. Raises ``ConnectionResetError``, also when it has to cut it off."""
        try:
            async with asyncio.timeout(self._patience):
                await response.write(data)
        except TimeoutError:
            self._log.info("stream_cut", request_id=request[EXCHANGE].request_id)
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("the client reads nothing") from None

    async def _write_events(
        self, request: web.Request, response: web.StreamResponse, events: RunEvents
    ) -> None:
        while True:
            # One read stays pending over any number of heartbeats: cancelling it would end the call.
            reading = asyncio.create_task(events.read())
            try:
                while not (await asyncio.wait({reading}, timeout=self._heartbeat))[0]:
                    await self._send(request, response, PING)
            except BaseException:
                reading.cancel()
                reading.add_done_callback(_forget)
                raise
            batch = reading.result()
            if batch is None:
                return
            await self._send(request, response, b"".join(map(self.frame, batch.events)))

    def frame(self, event: event_pb2.RunEvent) -> bytes:
        name, data = self._codec.encode_event(event)
        if not self._event_ids:
            return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
        return b"event: %b\ndata: %b\nid: %b\n\n" % (name.encode(), data, event.id.encode())


def _forget(reading: asyncio.Task[event_pb2.RunEventBatch | None]) -> None:
    """Nobody waits for this read any more; its outcome is looked at so that nobody reports it."""
    if not reading.cancelled():
        reading.exception()
