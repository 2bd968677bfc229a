"""A relay that breaks the connections of a gRPC client while it follows a run."""

from __future__ import annotations

import asyncio
import socket

from tests.relay import Forwarder

_DATA = 0
_HEADER = 9


class Cutter(Forwarder):
    """Cuts each connection after so many frames of data from the server, as ``cuts`` says; later ones stand."""

    def __init__(self, server: int, cuts: list[int]) -> None:
        super().__init__(server)
        self._cuts = iter(cuts)

    async def _ask(self, near: socket.socket, far: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(near, 1 << 16):
            await loop.sock_sendall(far, data)
        raise EOFError

    async def _answer(self, far: socket.socket, near: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        left = next(self._cuts, None)
        while True:
            header = await _read(far, _HEADER)
            payload = await _read(far, int.from_bytes(header[:3]))
            await loop.sock_sendall(near, header + payload)
            if header[3] == _DATA and payload and left is not None:
                left -= 1
                if left == 0:
                    raise EOFError


async def _read(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = await asyncio.get_running_loop().sock_recv(source, size - len(data))
        if not more:
            raise EOFError
        data += more
    return data
