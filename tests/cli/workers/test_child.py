from __future__ import annotations

import asyncio
import socket

import pytest

from tests.clock import idle
from understudy_cli.workers.child import main, obey
from understudy_cli.workers.process import Orders


async def test_a_worker_stops_when_it_is_asked() -> None:
    reader, stopped = asyncio.StreamReader(), asyncio.Event()
    obeying = asyncio.create_task(obey(reader, stopped))
    await idle()
    assert not stopped.is_set()
    reader.feed_data(b"stop\n")
    await stopped.wait()
    assert not obeying.done()
    obeying.cancel()


@pytest.mark.parametrize("error", [None, ConnectionResetError()])
async def test_a_worker_stops_when_its_parent_ends(error: Exception | None) -> None:
    reader, stopped = asyncio.StreamReader(), asyncio.Event()
    if error is None:
        reader.feed_eof()
    else:
        reader.set_exception(error)
    await obey(reader, stopped)
    assert stopped.is_set()


def test_a_worker_whose_parent_never_gave_orders_ends() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    assert main(["serve", "1", str(theirs.detach())]) == 0


def test_a_worker_that_cannot_start_tells_why(capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(Orders(flags={"port": "x"}, listeners=[]).line())
        assert main(["serve", "1", str(theirs.detach())]) == 2
    assert capsys.readouterr().err.startswith("understudy: --port: 'x' is wrong")


def test_a_worker_that_is_to_stop_already_still_hears_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs.dup() as kept:
        ours.sendall(Orders(flags={"port": "x"}, listeners=[]).line() + b"stop\n")
        assert main(["serve", "1", str(theirs.detach())]) == 2
        kept.setblocking(False)
        assert kept.recv(100) == b"stop\n"
