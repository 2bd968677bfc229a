"""What the system has taken from one end of a connection and not yet given to the other. Linux only."""

from __future__ import annotations

import socket
import struct
import termios
from dataclasses import dataclass
from fcntl import ioctl
from typing import Any

_ESTABLISHED, _SYN_SENT = 1, 2
"""States of TCP, as Linux numbers them."""


@dataclass(frozen=True, slots=True)
class _End:
    """One end of a connection over TCP."""

    state: int
    unsent: int
    """Bytes that the other end's system has not acknowledged."""
    unread: int
    """Bytes that wait for this end's program."""


def on_their_way(descriptors: set[int]) -> bool:
    """Whether anything between these sockets will arrive without anybody's doing. Drops those that are closed.

    Bytes behind others that the receiving program leaves unread are not on their way: they may wait for ever.
    """
    ends: dict[tuple[Any, Any], _End] = {}
    for number in tuple(descriptors):
        try:
            known = _look(number)
        except OSError:
            descriptors.discard(number)
            continue
        if known is not None:
            here, there, end = known
            if end.state == _SYN_SENT:
                return True
            ends[here, there] = end
    return any(_moves(end, ends.get((there, here))) for (here, there), end in ends.items())


def _moves(end: _End, other: _End | None) -> bool:
    if other is None:
        # It is gone, and this end has not heard of it yet.
        return end.state == _ESTABLISHED and end.unread == 0
    return end.unsent > 0 and other.unread == 0


def _look(number: int) -> tuple[Any, Any, _End] | None:
    """Both addresses, and the end; None for what is no connection. Raises ``OSError`` for what is closed."""
    end = socket.socket(fileno=number)
    try:
        if end.family != socket.AF_INET or end.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return None
        state = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        if state == _SYN_SENT:
            return None, None, _End(state, 0, 0)
        try:
            there = end.getpeername()
        except OSError:  # reset, or never connected
            return None
        return (
            end.getsockname(),
            there,
            _End(state, _count(number, termios.TIOCOUTQ), _count(number, termios.FIONREAD)),
        )
    finally:
        end.detach()


def _count(number: int, request: int) -> int:
    count: int = struct.unpack("i", ioctl(number, request, bytes(4)))[0]
    return count
