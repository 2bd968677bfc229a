"""The worker's side: ``python -m understudy_cli.workers.child COMMAND NUMBER DESCRIPTOR``, by its parent only."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import uvloop

from understudy_cli import commands
from understudy_cli.configuration import Configuration, load, with_functions
from understudy_cli.status import exit_status
from understudy_cli.workers.process import Orders, Ready
from understudy_server import logs


def main(arguments: Sequence[str]) -> int:
    command, number, descriptor = arguments
    with _inherited(int(descriptor)) as link:
        # Without a buffer: what comes after the orders, a wish to stop say, is for the event loop to read.
        with link.makefile("rb", buffering=0) as stream:
            line = stream.readline()
        if not line:
            return 0  # the parent is gone already
        return exit_status(lambda: _run(command, int(number), Orders.parse(line), link))


def _run(command: str, number: int, orders: Orders, link: socket.socket) -> None:
    configuration = load(orders.flags, os.environ, Path.cwd())
    logs.configure(
        format=configuration.values["log_format"],
        level=configuration.values["log_level"],
        component=command,
        worker=number,
    )
    configuration = with_functions(configuration, Path.cwd())
    sockets = [_inherited(descriptor) for descriptor in orders.listeners]
    uvloop.run(_serve(command, configuration, sockets, link))


async def _serve(
    command: str,
    configuration: Configuration,
    sockets: Sequence[socket.socket],
    link: socket.socket,
) -> None:
    with commands.stop_signals() as stopped:
        reader, writer = await asyncio.open_unix_connection(sock=link)
        listening = asyncio.create_task(obey(reader, stopped))
        try:
            opened = (
                commands.served(configuration, sockets)
                if command == "serve"
                else commands.core_served(configuration)
            )
            async with opened as serving:
                ready = Ready(
                    grpc=serving.grpc, first_key=serving.first_key, lines=serving.core_lines
                )
                writer.write(ready.line())
                await stopped.wait()
        finally:
            listening.cancel()
            writer.close()


async def obey(reader: asyncio.StreamReader, stopped: asyncio.Event) -> None:
    """The parent's end, by ``kill -9`` too, is as good as its wish that this one stops.

    A parent that ends while it stops its workers was told twice, and means it.
    """
    asked = b""
    with suppress(ConnectionError):  # the parent ended without having read everything
        asked = await reader.readline()
    stopped.set()
    if asked:
        with suppress(ConnectionError):
            await reader.read()
        os.kill(os.getpid(), signal.SIGKILL)


def _inherited(descriptor: int) -> socket.socket:
    found = socket.socket(fileno=descriptor)
    # Not for the programs that functions start: they would hold the port, and hide our end.
    found.set_inheritable(False)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
