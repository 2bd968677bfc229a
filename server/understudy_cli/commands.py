"""The commands that run until they are told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from socket import socket

from understudy import __version__
from understudy_cli.configuration import Configuration
from understudy_cli.server import OFF, Server, run_edge
from understudy_cli.transport import channel_tls, listeners, refuse_plain_text
from understudy_edge.channel import open_channel
from understudy_server.app import open_core
from understudy_server.listening import listen
from understudy_server.store.shown_url import shown_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What there is, once it serves."""

    grpc: str
    """The address, with the port that was bound; or ``off``."""
    first_key: str | None
    """The key that was made because there was none."""
    core_lines: Sequence[tuple[str, str]]
    """Of the announcement, about the core; without that key."""
    url: str = ""
    """Of the REST face."""

    def lines(self) -> list[tuple[str, str]]:
        """The announcement."""
        rest = [("REST", self.url)] if self.url else []
        key = [] if self.first_key is None else [key_line(self.first_key)]
        return [*rest, ("gRPC", self.grpc), *self.core_lines, *key]


async def serve(configuration: Configuration) -> None:
    with stop_signals() as stopped:
        async with served(configuration) as serving:
            announce(serving.lines())
            await stopped.wait()


async def core(configuration: Configuration) -> None:
    with stop_signals() as stopped:
        async with core_served(configuration) as serving:
            announce(serving.lines())
            await stopped.wait()


@asynccontextmanager
async def served(
    configuration: Configuration, sockets: Sequence[socket] = ()
) -> AsyncIterator[Serving]:
    """Core and edge. ``sockets``: that listen already, if there are any, for the REST face."""
    values = configuration.values
    refuse_plain_text(values, **listeners("serve", values))
    server = Server(
        core=configuration.core,
        edge=configuration.edge,
        host=values["host"],
        port=values["port"],
        grpc=values["grpc"],
        sockets=sockets,
    )
    async with server:
        grpc = values["grpc"]
        if grpc != OFF:
            grpc = _bound(grpc, server.grpc_port)
        yield Serving(
            grpc=grpc,
            first_key=server.first_key,
            core_lines=core_lines(configuration),
            url=server.url,
        )


@asynccontextmanager
async def core_served(configuration: Configuration) -> AsyncIterator[Serving]:
    address = configuration.values["grpc"]
    refuse_plain_text(configuration.values, **listeners("core", configuration.values))
    async with (
        open_core(configuration.core) as opened,
        listen(opened, address, configuration.core) as port,
    ):
        yield Serving(
            grpc=_bound(address, port),
            first_key=opened.first_key,
            core_lines=core_lines(configuration),
        )


async def edge(configuration: Configuration) -> None:
    values = configuration.values
    refuse_plain_text(values, **listeners("edge", values))
    host, port, grace = values["host"], values["port"], values["grace"]
    with stop_signals() as stopped:
        async with (
            open_channel(
                values["core"],
                keepalive=values["keepalive"],
                keepalive_timeout=values["keepalive_timeout"],
                tls=channel_tls(values),
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


def key_line(key: str) -> tuple[str, str]:
    note = "made now, shown only this once; `understudy keys create` makes more"
    return "key", f"{key}\n         ({note})"


def core_lines(configuration: Configuration) -> list[tuple[str, str]]:
    models = configuration.core.models
    default = models.default_provider
    if default == "demo":
        default += " (answers by itself; set OPENAI_API_KEY or a provider for a real model)"
    lines = [("store", shown_url(configuration.core.store)), ("model", default)]
    if configuration.core.functions is not None:
        names = ", ".join(sorted(configuration.core.functions.names()))
        lines.insert(1, ("tools", f"{names} (from {configuration.values['functions']})"))
    if not configuration.core.auth:
        lines.append(("key", "none is asked for (--no-auth)"))
    return lines


def _bound(address: str, port: int) -> str:
    if address.startswith(("unix:", "unix-abstract:")):
        return address
    return f"{address.rpartition(':')[0]}:{port}"
