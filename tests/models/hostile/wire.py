"""A server made of bytes: it plays what it is told on raw connections, whether or not that is HTTP."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self, TypeAlias

MOST_SENT = 64 << 20
"""Bytes of an endless answer after which a client should have left long ago."""

MOST_KEPT = 2 << 20
"""Bytes of an answer that are remembered."""


@dataclass(frozen=True, slots=True)
class Send:
    data: bytes


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing more comes, and the connection stays: for the next request, if the client dares."""


@dataclass(frozen=True, slots=True)
class Close:
    pass


@dataclass(frozen=True, slots=True)
class Reset:
    """As when the machine behind it has restarted."""


@dataclass(frozen=True, slots=True)
class Flood:
    """The same again and again, as fast as it is taken, until the client leaves."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Beat:
    """The same now and then, for longer than a run lives."""

    data: bytes


Play: TypeAlias = Send | Stall | Close | Reset | Flood | Beat


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server does with one request, and what may become of the run if nothing else follows."""

    plays: tuple[Play, ...]
    """After the last one, the connection stays and waits for the next request."""
    early: bool = False
    """Begin when the connection does, without waiting for a request."""
    listens: bool = True
    """Whether there is anybody at the address at all."""
    ends: frozenset[str] | None = None
    """How the run may end, as ``failed``; None for any way."""
    tells: str = ""
    """A pattern that the error of a failed run matches."""
    text: str | None = None
    """What a completed run has said; None for anything."""


class RawServer:
    """An async context manager. ``script``: the answers, one to a request, the last one again and again."""

    def __init__(self, script: Sequence[Answer]) -> None:
        self.script = list(script)
        self.played: list[Answer] = []
        self.requests: list[bytes] = []
        """Heads and bodies."""
        self.idle = asyncio.Event()
        """Nobody is connected."""
        self.sent = 0
        """Bytes, over all connections."""
        self.last = bytearray()
        """The first bytes of the last answer."""
        self.last_at = 0.0
        """When the last byte was sent, in the loop's time."""
        self.replace: dict[bytes, bytes] = {}
        """What stands in an answer for what is known only now."""
        self.outlive: Callable[[], None] | None = None
        """Lets more time pass than a run lives."""
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.idle.set()

    async def __aenter__(self) -> Self:
        if self.script and not self.script[0].listens:
            # Bound and not listening: the address is ours, and nobody answers there.
            port = self._socket.getsockname()[1]
            self._socket.close()
            self._socket = socket.socket()
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(("127.0.0.1", port))
            self.played.append(self.script[0])
        else:
            await self.listen()
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._server is not None:
            self._server.close()
        self._socket.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._accept, sock=self._socket, limit=1 << 24
            )

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.idle.clear()
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            self._tasks.discard(task)
            if not self._tasks:
                self.idle.set()
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        early = bool(self.script) and self.script[0].early
        while True:
            if not early:
                await self._read(reader)
            early = False
            if not self.script:
                return
            answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            self.played.append(answer)
            self.last.clear()
            for play in answer.plays:
                if not await self._play(play, reader, writer):
                    return

    async def _read(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        self.requests.append(head + await reader.readexactly(length))

    async def _play(
        self, play: Play, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """False when the connection is over."""
        match play:
            case Send(data=data):
                await self._send(data, writer)
                return True
            case Flood(data=data):
                block = data * (1 + 10_000 // len(data))
                while self.sent < MOST_SENT:
                    await self._send(block, writer)
            case Beat(data=data):
                await self._beat(data, reader, writer)
            case Stall():
                return True
            case Reset():
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            case Close():
                pass
        return False

    async def _beat(
        self, data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        for number in range(1_000):
            await self._send(data, writer)
            with suppress(TimeoutError):
                async with asyncio.timeout(40):  # of a time that leaps
                    if not await reader.read(1):
                        return
            if number == 3 and self.outlive is not None:
                self.outlive()

    async def _send(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        for name, value in self.replace.items():
            data = data.replace(name, value)
        self.sent += len(data)
        self.last += data[: MOST_KEPT - len(self.last)]
        self.last_at = asyncio.get_running_loop().time()
        writer.write(data)
        await writer.drain()
        # One turn for the client, so that what is sent in pieces arrives in pieces.
        await asyncio.sleep(0)
        if writer.transport.is_closing():
            raise ConnectionResetError
