"""Between a store and its server: counts round trips, keeps answers back, cuts connections."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Self

from tests.store.postgres.servers import Server, socket_in, url


class Relay:
    """An async context manager; ``url`` leads through it to the server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.manner: Literal["pass", "hold", "cut after", "cut before"] = "pass"
        """Pass everything on; keep answers back; cut a connection instead of passing the next answer on, or
        instead of passing the next request on."""
        self.requests: list[bytes] = []
        self.round_trips = 0
        """How often a client spoke, without what it said before it had an answer."""

    async def __aenter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="us-")
        self.url = url(Path(self._folder.name))
        path = socket_in(Path(self._folder.name))
        self._listener = await asyncio.start_unix_server(self._serve, path)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._listener.close()
        self.cut()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._folder.cleanup()

    def cut(self) -> None:
        """Every connection, without a word."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there, back = await asyncio.open_unix_connection(self._server.socket)
        self._writers |= {writer, back}
        state = _State()
        await asyncio.gather(
            self._requests(state, reader, back), self._answers(state, there, writer)
        )
        for each in (writer, back):
            each.transport.abort()
        self._writers -= {writer, back}
        self._tasks.discard(task)

    async def _requests(
        self, state: _State, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await _read(reader):
            if self.manner == "cut before":
                self.cut()
                return
            if not state.asking:
                self.round_trips += 1
            state.asking = True
            self.requests.append(data)
            writer.write(data)
        writer.transport.abort()

    async def _answers(
        self, state: _State, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await _read(reader):
            state.asking = False
            if self.manner == "cut after":
                self.cut()
                return
            if self.manner != "hold":
                writer.write(data)
        writer.transport.abort()


class _State:
    asking = False


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Nothing at the end, whatever kind of end it is."""
    try:
        return await reader.read(1 << 20)
    except OSError:
        return b""
