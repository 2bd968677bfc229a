"""Forms that hold files: from the body of a request to the messages of a client stream, as it arrives.

Nothing is read that the core has no room for, so a slow core slows the client. Metadata that the form has a say in is
sent when the form has ended, since its fields may come behind the file.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import grpc
from aiohttp import web

from understudy_edge.form import Form
from understudy_edge.multipart import boundary_of
from understudy_edge.patience import LOST, Patience, attempt_metadata, reached
from understudy_edge.problems import Problem
from understudy_edge.told import hear

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from understudy_edge.caller import Metadata
    from understudy_edge.routes import Upload

LARGEST_PIECE: Final = 256 * 1024
"""Bytes of one message."""
_GATHERED: Final = 64 * 1024
"""Bytes for which a message waits, as long as there are more."""
_KEPT: Final = 256 * 1024
"""Bytes of an upload that are kept, so that another core can be given them."""


class UploadBody:
    """The messages of one upload, which more than one core may be given until they have become too many."""

    def __init__(
        self,
        request: web.Request,
        upload: Upload,
        *,
        message_class: type[Message],
        metadata: Callable[[Form], Message],
        first: Message | None,
        silence: float,
    ) -> None:
        """``metadata`` makes the message of the form's fields, and may raise ``Problem``; ``first`` is that message
        where the form has no say in it; ``silence`` is in seconds, for the client. Raises ``Problem``.
        """
        boundary = boundary_of(request.headers.get("Content-Type", ""))
        self._content = request.content
        self._form = Form(boundary, name=upload.part, named=upload.names_file)
        self._message_class = message_class
        self._metadata = metadata
        self._first = first
        self._silence = silence
        self._has_looked = False
        self._pieces: list[bytes] = []
        self._size = 0
        self._told = False
        self._has_ended = False
        self._kept: list[Message] | None = []
        self._kept_size = 0

    @property
    def repeatable(self) -> bool:
        """Whether all that was taken from the body can still be sent."""
        return self._kept is not None

    async def send(self, call: Any, *, silence: float) -> None:
        """Write everything to a call, and end the writing. ``silence``: seconds of the core.

        Returns early when the call ends. Raises ``Problem`` and ``TimeoutError``.
        """
        try:
            for kept in self._kept or ():
                async with asyncio.timeout(silence):
                    await _write(call, kept)
            while (message := await self._next()) is not None:
                async with asyncio.timeout(silence):
                    await _write(call, message)
            await call.done_writing()
        except (asyncio.InvalidStateError, grpc.aio.AioRpcError, grpc.aio.InternalError):
            # The call is over, and tells itself why.
            return

    async def _next(self) -> Message | None:
        """Nothing is lost when it is cancelled."""
        if self._first is not None:
            metadata, self._first, self._told = self._first, None, True
            return self._keep(self._message_class(metadata=metadata))
        while self._size < _GATHERED and not self._form.ended:
            data = await self._read()
            if not data:
                break
            for piece in self._form.feed(data):
                self._pieces.append(piece)
                self._size += len(piece)
        if self._size:
            self._look_at_fields()
            return self._keep(self._message_class(data=self._take()))
        if self._has_ended:
            return None
        self._form.close()
        metadata = self._metadata(self._form)
        self._has_ended = True
        return None if self._told else self._keep(self._message_class(metadata=metadata))

    def _look_at_fields(self) -> None:
        """What is wrong in front of the file is told before the file is read."""
        if self._has_looked:
            return
        self._has_looked = True
        try:
            self._metadata(self._form)
        except Problem as problem:
            if problem.reason != "MISSING_REQUIRED_PARAMETER":
                raise

    def _take(self) -> bytes:
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        rest = data[LARGEST_PIECE:]
        self._pieces = [rest] if rest else []
        self._size = len(rest)
        return data[:LARGEST_PIECE]

    def _keep(self, message: Message) -> Message:
        self._kept_size += message.ByteSize()
        if self._kept_size > _KEPT:
            self._kept = None
        if self._kept is not None:
            self._kept.append(message)
        return message

    async def _read(self) -> bytes:
        try:
            async with asyncio.timeout(self._silence):
                return await self._content.readany()
        except TimeoutError:
            raise Problem("INVALID_VALUE", "The body of the request stopped coming.") from None
        except (web.RequestPayloadError, ConnectionError) as error:
            raise Problem(
                "INVALID_VALUE", "The body of the request could not be decoded."
            ) from error


async def upload(
    channel: grpc.aio.Channel,
    method: Callable[..., Any],
    body: UploadBody,
    *,
    metadata: Metadata,
    silence: float,
    repeatable: bool,
    patience: Patience,
) -> Any:
    """The answer of a client-streaming method, given ``body``. ``silence``: seconds without a sign of the core.

    The call begins before the body is read, so that a core that refuses it at once is heard at once. Raises
    ``Problem``, ``AioRpcError`` and ``TimeoutError``.
    """
    earlier = 0
    while True:
        await reached(channel, patience)
        call = method(metadata=(*metadata, *attempt_metadata(earlier)))
        try:
            return await _attempt(call, body, silence)
        except grpc.aio.AioRpcError as error:
            if error.code() not in LOST or not repeatable or not body.repeatable:
                raise
            await patience.wait(error)
            earlier += 1


async def _attempt(call: Any, body: UploadBody, silence: float) -> Any:
    answering = asyncio.create_task(_answer(call))
    sending = asyncio.create_task(body.send(call, silence=silence))
    try:
        await asyncio.wait({answering, sending}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done() and answering.cancelled():
            # A write that was given up has taken the call along.
            await asyncio.wait({sending})
        if not answering.done() or answering.cancelled():
            sending.result()
            await asyncio.wait({answering}, timeout=silence)
        if not answering.done():
            raise TimeoutError
        return answering.result()
    finally:
        call.cancel()
        for task in (answering, sending):
            task.cancel()
        await asyncio.wait({answering, sending})
        for task in (answering, sending):
            # Looked at, so that nobody reports what nobody waits for.
            _ = task.cancelled() or task.exception()


async def _write(call: Any, message: Message) -> None:
    """As ``call.write``. That one, when a core ends the call while bytes are on their way, now and then puts an error
    of its own in the place of the core's status, which is lost then; so a real call is written to without it.
    """
    inner = getattr(call, "_cython_call", None)
    if inner is None:
        await call.write(message)
        return
    await call.wait_for_connection()
    if call.done():
        raise asyncio.InvalidStateError
    await inner.send_serialized_message(message.SerializeToString())


async def _answer(call: Any) -> Any:
    answer = await call
    hear(await call.trailing_metadata())
    return answer
