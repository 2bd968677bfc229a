"""TCP relays before a server: one counts HTTP/2 frames and can stand still, one gets in the way of a store."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from pathlib import Path
from typing import Final, Self

PING: Final = 6
GOAWAY: Final = 7

_HOST: Final = "127.0.0.1"
_PREFACE: Final = 24
"""Bytes with which a client begins, before its first frame."""
_HEADER: Final = 9
_ACK: Final = 1


class Forwarder:
    """A context manager: listens on 127.0.0.1 and forwards to ``server``, a port there or a socket's path."""

    def __init__(self, server: int | Path) -> None:
        self.address = ""
        self.connections = 0
        self._server = server
        self._listening: socket.socket | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._listening = socket.create_server((_HOST, 0))
        self._listening.setblocking(False)
        self.address = f"{_HOST}:{self._listening.getsockname()[1]}"
        # Not a task that awaits connections: one that came just when it is cancelled would be lost, open.
        asyncio.get_running_loop().add_reader(self._listening, self._accept)
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._listening is not None
        asyncio.get_running_loop().remove_reader(self._listening)
        self._listening.close()
        self.cut()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def cut(self) -> None:
        """Ends every connection."""
        for serving in self._serving:
            serving.cancel()

    def _accept(self) -> None:
        assert self._listening is not None
        try:
            near, _ = self._listening.accept()
        except OSError:
            return  # it was gone already
        near.setblocking(False)
        self.connections += 1
        serving = asyncio.get_running_loop().create_task(self._serve(near))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        serving.add_done_callback(lambda _: near.close())

    async def _serve(self, near: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        family = socket.AF_INET if isinstance(self._server, int) else socket.AF_UNIX
        with socket.socket(family) as far:
            far.setblocking(False)
            try:
                if isinstance(self._server, int):
                    await loop.sock_connect(far, (_HOST, self._server))
                else:
                    await loop.sock_connect(far, str(self._server))
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._ask(near, far))
                    group.create_task(self._answer(far, near))
            except* (OSError, EOFError):
                pass  # either end is gone

    async def _ask(self, near: socket.socket, far: socket.socket) -> None:
        """Forwards what clients send. Raises ``EOFError`` or ``OSError`` when either end has ended."""
        raise NotImplementedError

    async def _answer(self, far: socket.socket, near: socket.socket) -> None:
        """Forwards what the server sends; raises as ``_ask``."""
        raise NotImplementedError


class Link(Forwarder):
    """Lets a client's requests and a server's answers pass, or holds them back; each on its own."""

    def __init__(self, server: int | Path) -> None:
        super().__init__(server)
        self._requests = asyncio.Event()
        self._answers = asyncio.Event()
        self._open = True
        self.pass_on()

    def pass_on(self) -> None:
        """What was held back goes on too, late."""
        self._open = True
        self._requests.set()
        self._answers.set()

    def refuse(self) -> None:
        """No connection stands, and new ones end at once."""
        self._open = False
        self.cut()

    def hold_requests(self) -> None:
        self._requests.clear()

    def hold_answers(self) -> None:
        self._answers.clear()

    async def _serve(self, near: socket.socket) -> None:
        if self._open:
            await super()._serve(near)

    async def _ask(self, near: socket.socket, far: socket.socket) -> None:
        await _pass_on(near, far, self._requests)

    async def _answer(self, far: socket.socket, near: socket.socket) -> None:
        await _pass_on(far, near, self._answers)


class Relay(Forwarder):
    """Before a gRPC server."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.sent: Counter[int] = Counter()
        """Frames of clients, by type; acknowledgements are not counted."""
        self.answered: Counter[int] = Counter()
        """Frames of the server, likewise."""
        self._moving = asyncio.Event()
        self._moving.set()
        self._changed = asyncio.Condition()

    def freeze(self) -> None:
        """Nothing passes from now on, though every connection stands."""
        self._moving.clear()

    async def pings(self, count: int) -> None:
        """Returns when clients have sent so many."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.sent[PING] >= count)

    async def _ask(self, near: socket.socket, far: socket.socket) -> None:
        await self._forward(near, far, self.sent, skip=_PREFACE)

    async def _answer(self, far: socket.socket, near: socket.socket) -> None:
        await self._forward(far, near, self.answered)

    async def _forward(
        self, source: socket.socket, target: socket.socket, seen: Counter[int], *, skip: int = 0
    ) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(target, await _read(source, skip))
        while True:
            header = await _read(source, _HEADER)
            payload = await _read(source, int.from_bytes(header[:3]))
            await self._moving.wait()
            await loop.sock_sendall(target, header + payload)
            if header[3] != PING or not header[4] & _ACK:
                async with self._changed:
                    seen[header[3]] += 1
                    self._changed.notify_all()


async def _pass_on(source: socket.socket, target: socket.socket, moving: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, 1 << 16):
        await moving.wait()
        await loop.sock_sendall(target, data)
    raise EOFError


async def _read(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = await asyncio.get_running_loop().sock_recv(source, size - len(data))
        if not more:
            raise EOFError
        data += more
    return data
