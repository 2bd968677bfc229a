"""Processes that are killed, stopped and started again while clients work."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.servers import Process, environment, start
from tests.upstream.threaded import ThreadedUpstream

LEASE = 3.0
"""Seconds. What the tests assert does not depend on it."""

EVER = "3600"
"""Seconds; however long a slow machine takes to start a process."""

IMPATIENT = "0"
"""Seconds, of an edge that leaves it to its clients to try again."""


_TRIES = 100
"""Starts of one process; no store is away for so long."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Cores behind edges; without any cores, both in one process."""

    name: str
    cores: int
    edges: tuple[str, ...]
    """How patient each is."""
    retries: int = 0
    """Of the SDK, where its edge is impatient."""
    lease: float = LEASE


# With a second core there is always somebody to go on; without, clients are to notice.
TWO_CORES = Layout(name="two cores", cores=2, edges=(EVER,))
ONE_CORE = Layout(name="one core", cores=1, edges=(IMPATIENT,))
SERVE = Layout(name="serve", cores=0, edges=(IMPATIENT,))
THREE_CORES = Layout(name="three cores", cores=3, edges=(EVER, IMPATIENT), retries=2)

FUNCTIONS = '''
from pathlib import Path

from understudy_server.tools import function


@function
def shout(text: str, call_id: str) -> str:
    """Says it louder."""
    with Path(__file__).with_name("calls").open("a") as calls:
        calls.write(f"{call_id} {text}\\n")
    return text.upper()
'''
"""A module of functions that the server runs; it notes each call."""


class Member:
    """A process that can be struck. Its folder holds its log and its module of functions."""

    def __init__(self, command: str, folder: Path, variables: Mapping[str, str]) -> None:
        folder.mkdir()
        (folder / "chaos_functions.py").write_text(FUNCTIONS)
        self.folder = folder
        self._command = command
        self._variables = {**variables, "UNDERSTUDY_FUNCTIONS": "chaos_functions"}
        self.process = start([command], folder, self._variables)

    def signal(self, number: signal.Signals) -> None:
        self.process.popen.send_signal(number)

    def start_again(self) -> None:
        """After ``signal`` has ended it; raises ``AssertionError`` unless that was as it should be."""
        status = self.process.popen.wait(90)
        log = self.process.log
        assert status in {0, -signal.SIGKILL}, f"status {status}\n{log.read_text()}"
        self.process.kill()
        for tries_left in reversed(range(_TRIES)):
            try:
                self.process = start([self._command], self.folder, self._variables)
            except AssertionError:
                # It may say that its store is away. Then whoever looks after it has to start it again.
                last = log.read_text().splitlines()[-1]
                if not tries_left or not last.startswith("understudy: "):
                    raise
            else:
                return

    def calls(self) -> list[tuple[str, str]]:
        """Call id and text of each call of the function that this process has begun."""
        file = self.folder / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


class Cluster:
    """A ``Layout``, started; leaving its context ends every process, by SIGTERM if all went well."""

    def __init__(
        self,
        layout: Layout,
        folder: Path,
        upstream: ThreadedUpstream,
        *,
        store: str = "",
    ) -> None:
        """``store``: a URL, by default a SQLite file."""
        shared = "?shared=true" if layout.cores > 1 else ""
        variables = {
            **environment(folder, upstream, store or f"sqlite:///{folder}/store.db{shared}"),
            "UNDERSTUDY_GRACE": "0.2",
            "UNDERSTUDY_LEASE": str(layout.lease),
            "UNDERSTUDY_KEEPALIVE": "1",
            "UNDERSTUDY_KEEPALIVE_TIMEOUT": "1",
            "UNDERSTUDY_REQUEST_TIMEOUT": EVER,
        }
        self.up = asyncio.Event()
        """Set while nothing that clients need is known to be away."""
        self.up.set()
        self._edges: list[Process] = []
        self.members: list[Member] = []
        try:
            if layout.cores:
                self._start_halves(layout, folder, variables)
            else:
                self.members.append(Member("serve", folder / "serve", variables))
        except BaseException:
            self._kill()
            raise

    def _start_halves(self, layout: Layout, folder: Path, variables: Mapping[str, str]) -> None:
        names = "abc"[: layout.cores]
        for name in names:
            own = {**variables, "UNDERSTUDY_GRPC": f"unix:../{name}.sock"}
            self.members.append(Member("core", folder / name, own))
        # As seen from their folders: the path of a socket must be short.
        cores = ",".join(f"unix:{name}.sock" for name in names)
        for number, patience in enumerate(layout.edges):
            own = {**variables, "UNDERSTUDY_RETRY": patience, "UNDERSTUDY_RESUME": patience}
            log = f"edge{number}.log"
            self._edges.append(start(["edge", "--core", cores], folder, own, log=log))

    @property
    def urls(self) -> list[str]:
        """Of each edge. A server that is core and edge in one has another one after each start."""
        fronts = self._edges or [member.process for member in self.members]
        return [process.facts["REST"] for process in fronts]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if kind is None:
                for process in self._processes():
                    process.terminate()
        finally:
            self._kill()
            if kind is not None:
                for process in self._processes():
                    print(f"== {process.log}\n{_remarkable(process.log)}")  # noqa: T201

    def strike(self, member: Member, number: signal.Signals) -> None:
        """Takes effect at once; ``mend`` it afterwards."""
        if len(self.members) == 1:
            self.up.clear()
        member.signal(number)

    async def mend(self, member: Member, number: signal.Signals, *, after: float) -> None:
        """Starts a process that was ended, and lets one that was stopped go on ``after`` seconds."""
        if number == signal.SIGSTOP:
            await asyncio.sleep(after)  # the length of the fault; nothing waits for anything
            member.signal(signal.SIGCONT)
        else:
            await finish(asyncio.to_thread(member.start_again))
        self.up.set()

    def calls(self) -> list[tuple[str, str]]:
        return [call for member in self.members for call in member.calls()]

    def _processes(self) -> list[Process]:
        return [*self._edges, *(member.process for member in self.members)]

    def _kill(self) -> None:
        for process in self._processes():
            process.kill()


async def finish(work: Coroutine[Any, Any, None]) -> None:
    """Also when cancelled: a thread goes on regardless, and nobody would end what it starts."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def _remarkable(log: Path) -> str:
    """What a process has logged besides the calls that it answered."""
    lines = log.read_text().splitlines()
    ordinary = ('"event":"call"', '"event":"request"')
    return "\n".join(line for line in lines if not any(word in line for word in ordinary))
