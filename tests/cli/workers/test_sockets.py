from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TypeAlias

import pytest

from understudy_cli.workers.sockets import listening_sockets, url_of

Listen: TypeAlias = Callable[[str, int], Sequence[socket.socket]]


@pytest.fixture
def listen() -> Iterator[Listen]:
    with ExitStack() as stack:

        def listen(host: str, port: int) -> Sequence[socket.socket]:
            sockets = listening_sockets(host, port)
            for each in sockets:
                stack.enter_context(each)
            return sockets

        yield listen


def test_a_free_port_takes_connections_at_once(listen: Listen) -> None:
    [listener] = listen("127.0.0.1", 0)
    address = listener.getsockname()
    assert url_of(listener) == f"http://127.0.0.1:{address[1]}"
    with socket.create_connection(address):
        pass


def test_a_name_with_several_addresses_has_one_port(listen: Listen) -> None:
    assert len({each.getsockname()[1] for each in listen("localhost", 0)}) == 1


def test_an_address_of_the_newer_kind_has_brackets(listen: Listen) -> None:
    [listener] = listen("::1", 0)
    assert url_of(listener) == f"http://[::1]:{listener.getsockname()[1]}"


def test_a_port_that_is_taken_is_told(listen: Listen) -> None:
    port = listen("127.0.0.1", 0)[0].getsockname()[1]
    with pytest.raises(OSError, match=f"^cannot listen on 127.0.0.1:{port}: Address already in"):
        listen("127.0.0.1", port)
