"""Answers that are bytes: a file, from the stream of the core that reads it, and past that core's death.

A response that has begun ends in the middle, visibly, when its bytes cannot be had.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import grpc
import structlog
from aiohttp import hdrs, web

from understudy_edge.disposition import attachment
from understudy_edge.middleware import EXCHANGE
from understudy_edge.patience import LOST, Patience
from understudy_edge.told import hear

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Begin = Callable[[int], Any]
    Reached = Callable[[Patience], Awaitable[None]]

_LOG: Final = structlog.get_logger()


class FileBytes:
    """One file, read to its end. A core that goes away is replaced by another, which reads it again."""

    def __init__(
        self, begin: Begin, *, reached: Reached, silence: float, patience: Patience
    ) -> None:
        """``begin`` makes the call, given how often it was made before; ``reached`` returns when there is a core
        to call; ``silence``: seconds without a sign of the core.
        """
        self._begin = begin
        self._reached = reached
        self._silence = silence
        self._patience = patience
        self._begun = 0
        self._call: Any = None
        self._file: Any = None
        self._given = 0

    async def open(self, acceptance: Patience) -> Any:
        """What the core says about the file. Raises ``AioRpcError`` and ``TimeoutError``."""
        while True:
            await self._reached(acceptance)
            try:
                self._file = await self._start()
            except grpc.aio.AioRpcError as error:
                if error.code() not in LOST:
                    raise
                await acceptance.wait(error)
            else:
                return self._file

    async def read(self) -> bytes:
        """The next bytes; empty at the end. Raises ``AioRpcError`` and ``TimeoutError``."""
        position = self._given
        while True:
            try:
                if self._call is None:
                    await self._reached(self._patience)
                    if (await self._start()).id != self._file.id:
                        return b""
                    position = 0
                message = await self._receive()
            except grpc.aio.AioRpcError as error:
                self._call = None
                if error.code() not in LOST:
                    raise
                await self._patience.wait(error)
                continue
            if message is grpc.aio.EOF:
                return b""
            fresh: bytes = message.data[max(0, self._given - position) :]
            position += len(message.data)
            if fresh:
                self._patience.renew()
                self._given += len(fresh)
                return fresh

    def cancel(self) -> None:
        if self._call is not None:
            self._call.cancel()

    async def _start(self) -> Any:
        call = self._begin(self._begun)
        self._begun += 1
        self._call = call
        message = await self._receive()
        if message is grpc.aio.EOF:
            raise ValueError("a download that says nothing about its file")
        hear(await call.initial_metadata())
        return message.file

    async def _receive(self) -> Any:
        async with asyncio.timeout(self._silence):
            return await self._call.read()


async def write_file(
    request: web.Request, source: FileBytes, file: Any, *, silence: float
) -> web.StreamResponse:
    """The whole response, without its bytes to HEAD. ``silence``: seconds for which the client may take nothing."""
    response = web.StreamResponse(headers=_headers(file))
    response.content_length = file.bytes
    left = 0 if request.method == hdrs.METH_HEAD else file.bytes
    try:
        await response.prepare(request)
        while left:
            piece = await source.read()
            if not piece or len(piece) > left:
                _report(request, code=None, text="not as long as the core said")
                break
            async with asyncio.timeout(silence):
                await response.write(piece)
            left -= len(piece)
    except grpc.aio.AioRpcError as error:
        _report(request, code=error.code().name, text=error.details())
    except TimeoutError:
        _report(request, code=None, text="silence")
    except ConnectionResetError:
        # The client has gone.
        pass
    except Exception:  # noqa: BLE001  what has begun cannot become an HTTP error
        _LOG.exception("download_failed", request_id=request[EXCHANGE].request_id)
    finally:
        source.cancel()
    if left:
        # Less than was announced, so that nobody takes it for the whole.
        response.force_close()
        if request.transport is not None:
            request.transport.abort()
    return response


def _headers(file: Any) -> dict[str, str]:
    return {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": attachment(file.filename),
        # A page that a file holds must not become one of this server's.
        "X-Content-Type-Options": "nosniff",
    }


def _report(request: web.Request, *, code: str | None, text: str | None) -> None:
    request_id = request[EXCHANGE].request_id
    _LOG.warning("download_broken", request_id=request_id, code=code, text=text)
