"""One worker as its parent sees it.

Parent and worker hold the two ends of a pair of sockets. The parent writes one line, the orders; the worker
answers with one line when it serves; a second line of the parent asks it to stop. The end of either is
noticed by the other as the end of the stream, however it came about. A signal would do to stop a worker, but
whether it came before or after the parent's end could not be told.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Protocol

_MODULE = "understudy_cli.workers.child"
_STOP = b"stop\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a worker is told."""

    flags: Mapping[str, str | None]
    """As the command line gave them, with what is this worker's own."""
    listeners: Sequence[int]
    """File descriptors of the sockets of the REST face."""

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> Orders:
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What a worker tells when it serves."""

    grpc: str
    """Its address, with the port that it got."""
    first_key: str | None
    """The key that it made because there was none."""
    lines: Sequence[tuple[str, str]]
    """Of the announcement: what is the same for all workers."""

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> Ready:
        told = json.loads(line)
        return cls(**{**told, "lines": [(name, value) for name, value in told["lines"]]})


class WorkerFailed(Exception):
    """A worker ended before it served; it has said why on stderr, unless a signal ended it."""

    def __init__(self, number: int, status: int) -> None:
        how = f"with status {status}" if status >= 0 else f"by {signal.Signals(-status).name}"
        super().__init__(f"worker {number} ended {how} before it served")
        self.status = status
        """Of the process; negative: the number of the signal."""


class Worker(Protocol):
    """A worker that was started."""

    @property
    def pid(self) -> int: ...

    async def ready(self) -> Ready:
        """Return when it serves. Raises ``WorkerFailed``."""
        ...

    async def ended(self) -> int:
        """Its exit status; negative: the number of the signal that ended it."""
        ...

    def stop(self) -> None:
        """Ask it to drain and end. Nothing happens to one that has ended."""
        ...


class WorkerProcess:
    """Implements ``Worker``."""

    def __init__(
        self,
        number: int,
        process: asyncio.subprocess.Process,
        link: socket.socket,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._number = number
        self._process = process
        self._link = link
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, command: str, number: int, orders: Orders) -> WorkerProcess:
        """Raises ``OSError``. ``command``: ``serve`` or ``core``."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                ours.sendall(orders.line())
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-P",  # the working folder must not come before the installed packages
                    "-m",
                    _MODULE,
                    command,
                    str(number),
                    str(theirs.fileno()),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(), *orders.listeners),
                    # A terminal's Ctrl-C is for the parent, which tells the workers.
                    start_new_session=True,
                )
            except BaseException:
                ours.close()
                raise
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        return cls(number, process, ours, reader, writer)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ready(self) -> Ready:
        line = b""
        with suppress(ConnectionError):  # it ended without having read its orders
            line = await self._reader.readline()
        if not line:
            raise WorkerFailed(self._number, await self.ended())
        try:
            return Ready.parse(line)
        except (ValueError, TypeError, KeyError):
            # Another version was installed since this one was started.
            self.stop()
            raise WorkerFailed(self._number, await self.ended()) from None

    async def ended(self) -> int:
        status = await self._process.wait()
        self._writer.close()
        return status

    def stop(self) -> None:
        with suppress(OSError):
            # At once, and not when the event loop gets to it: a second signal ends this process.
            self._link.send(_STOP)
