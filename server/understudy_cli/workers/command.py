"""`--workers N`: a parent that serves nothing itself, and N workers that are whole servers."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from socket import socket

import structlog

from understudy_cli.commands import announce, key_line, stop_signals
from understudy_cli.configuration import Configuration
from understudy_cli.server import OFF
from understudy_cli.transport import listeners, refuse_plain_text
from understudy_cli.workers.plan import grpc_addresses
from understudy_cli.workers.process import Orders, Ready, Worker, WorkerProcess
from understudy_cli.workers.sockets import listening_sockets, url_of
from understudy_cli.workers.supervisor import Supervisor
from understudy_server.clock import SystemClock


async def run(command: str, configuration: Configuration, flags: Mapping[str, str | None]) -> None:
    """Until SIGINT or SIGTERM. ``command``: ``serve`` or ``core``; ``flags``: of its command line.

    Raises ``SettingsError``, ``OSError`` and ``WorkerFailed``: then none of them is left.
    """
    values = configuration.values
    addresses = grpc_addresses(values["grpc"], values["workers"])
    refuse_plain_text(values, **listeners(command, values))
    with ExitStack() as stack:
        sockets: Sequence[socket] = ()
        if command == "serve":
            sockets = listening_sockets(values["host"], values["port"])
            for each in sockets:
                stack.enter_context(each)
        same = {**flags, "workers": "1", "store": configuration.core.store}

        async def spawn(number: int, grpc: str) -> Worker:
            orders = Orders(
                flags={**same, "grpc": grpc}, listeners=[each.fileno() for each in sockets]
            )
            return await WorkerProcess.start(command, number, orders)

        stopped = stack.enter_context(stop_signals())
        supervisor = Supervisor(spawn, addresses, SystemClock(), made_key=_announce_key)
        try:
            told = await _started(supervisor, stopped)
            if told is not None:
                announce(_lines(sockets, told, tls=values["tls_certificate"] is not None))
                with _restarting_at_hangup(supervisor):
                    await stopped.wait()
        finally:
            statuses = await supervisor.stop()
            structlog.get_logger().info("workers_ended", statuses=list(statuses))


async def _started(supervisor: Supervisor, stopped: asyncio.Event) -> Sequence[Ready] | None:
    """None: it is to stop already."""
    starting = asyncio.create_task(supervisor.start())
    stopping = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return await starting if starting.done() else None
    finally:
        starting.cancel()
        stopping.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)


@contextmanager
def _restarting_at_hangup(supervisor: Supervisor) -> Iterator[None]:
    """SIGHUP restarts the workers one by one; one that comes meanwhile begins once more at the end."""
    if sys.stdin.isatty():  # it means that the terminal was closed, which ends a program
        yield
        return
    wanted = asyncio.Event()

    async def restart() -> None:
        while True:
            await wanted.wait()
            wanted.clear()
            await supervisor.restart()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, wanted.set)
    restarting = asyncio.create_task(restart())
    try:
        yield
    finally:
        restarting.cancel()
        loop.remove_signal_handler(signal.SIGHUP)


def _lines(sockets: Sequence[socket], told: Sequence[Ready], *, tls: bool) -> list[tuple[str, str]]:
    lines = [("REST", f"{url_of(sockets[0], tls=tls)}/v1")] if sockets else []
    grpc = OFF if told[0].grpc == OFF else ",".join(ready.grpc for ready in told)
    keys = [key_line(ready.first_key) for ready in told if ready.first_key is not None]
    return [*lines, ("gRPC", grpc), ("workers", str(len(told))), *told[0].lines, *keys]


def _announce_key(key: str) -> None:
    announce([key_line(key)])
