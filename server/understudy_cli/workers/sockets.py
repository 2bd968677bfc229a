"""The sockets of the REST face that all workers accept from.

They inherit one and the same, rather than each having its own on the port (``SO_REUSEPORT``): whoever is
free takes the next connection, none is lost when a worker ends, and a port that is taken is found out.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import ExitStack

_BACKLOG = 128


def listening_sockets(host: str, port: int) -> Sequence[socket.socket]:
    """One for each address of ``host``, all on one port; port 0 takes a free one. Raises ``OSError``."""
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with ExitStack() as stack:
            sockets: list[socket.socket] = []
            for family, _, _, _, address in dict.fromkeys(found):
                each = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    # "::" would take the port of the other family too.
                    each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                same = sockets[0].getsockname()[1] if sockets else port
                each.bind((address[0], same, *address[2:]))
                each.listen(_BACKLOG)
                sockets.append(each)
            stack.pop_all()
            return sockets
    except OSError as error:
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror}") from error


def url_of(listener: socket.socket, *, tls: bool = False) -> str:
    """Without a path: ``http://127.0.0.1:8080``."""
    host, port = listener.getsockname()[:2]
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
