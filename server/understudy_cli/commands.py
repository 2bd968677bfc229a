"""The commands that run until they are told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from understudy import __version__
from understudy_cli.configuration import Configuration
from understudy_cli.server import OFF, Server, run_edge
from understudy_edge.channel import open_channel
from understudy_server.app import open_core
from understudy_server.listening import listen


async def serve(configuration: Configuration) -> None:
    values = configuration.values
    server = Server(
        core=configuration.core,
        edge=configuration.edge,
        host=values["host"],
        port=values["port"],
        grpc=values["grpc"],
    )
    with stop_signals() as stopped:
        async with server:
            grpc = values["grpc"]
            if grpc != OFF:
                grpc = _bound(grpc, server.grpc_port)
            lines = _core_lines(configuration, server.first_key)
            announce([("REST", server.url), ("gRPC", grpc), *lines])
            await stopped.wait()


async def core(configuration: Configuration) -> None:
    address = configuration.values["grpc"]
    with stop_signals() as stopped:
        async with (
            open_core(configuration.core) as opened,
            listen(opened, address, configuration.core) as port,
        ):
            lines = _core_lines(configuration, opened.first_key)
            announce([("gRPC", _bound(address, port)), *lines])
            await stopped.wait()


async def edge(configuration: Configuration) -> None:
    values = configuration.values
    host, port, grace = values["host"], values["port"], values["grace"]
    with stop_signals() as stopped:
        async with (
            open_channel(
                values["core"],
                keepalive=values["keepalive"],
                keepalive_timeout=values["keepalive_timeout"],
            ) as channel,
            run_edge(channel, configuration.edge, host, port, grace) as url,
        ):
            announce([("REST", f"{url}/v1"), ("core", ",".join(values["core"]))])
            await stopped.wait()


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set. A second signal ends the process at once.

    To be entered before anything is announced: whoever reads the announcement may stop the server right away.
    """
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()

    def release() -> None:
        for name in _SIGNALS:
            loop.remove_signal_handler(name)

    def stop() -> None:
        stopped.set()
        release()

    for name in _SIGNALS:
        loop.add_signal_handler(name, stop)
    try:
        yield stopped
    finally:
        release()


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def announce(lines: Sequence[tuple[str, str]]) -> None:
    """Tells the person who started it what there is, on stdout; logs go to stderr."""
    text = [f"Understudy {__version__}", *(f"  {name:<6} {value}" for name, value in lines)]
    sys.stdout.write("\n".join(text) + "\n")
    sys.stdout.flush()


def _core_lines(configuration: Configuration, first_key: str | None) -> list[tuple[str, str]]:
    models = configuration.core.models
    default = models.default_provider
    if default == "demo":
        default += " (answers by itself; set OPENAI_API_KEY or a provider for a real model)"
    lines = [("store", configuration.core.store), ("model", default)]
    if configuration.core.functions is not None:
        names = ", ".join(sorted(configuration.core.functions.names()))
        lines.insert(1, ("tools", f"{names} (from {configuration.values['functions']})"))
    if not configuration.core.auth:
        lines.append(("key", "none is asked for (--no-auth)"))
    elif first_key is not None:
        note = "made now, shown only this once; `understudy keys create` makes more"
        lines.append(("key", f"{first_key}\n         ({note})"))
    return lines


def _bound(address: str, port: int) -> str:
    if address.startswith("unix:"):
        return address
    return f"{address.rpartition(':')[0]}:{port}"
