"""Understudy as real processes, for tests from outside.

::

    with ThreadedUpstream(api_key=UPSTREAM_KEY) as upstream:
        with deployed("serve", tmp_path, upstream) as deployment:
            openai.OpenAI(base_url=deployment.url, api_key=deployment.key)

``layout`` is ``"serve"`` (one process), ``"core+edge"`` (two) or ``"cores+edge"`` (two cores).
Nothing is inherited from the environment. Leaving the block ends the processes by SIGTERM and
asserts that each ends with 0.

Models, by name: ``responses/<any>`` and ``chat/<any>`` reach the scripted upstream in either
dialect; ``single-responses/<any>`` and ``single-chat/<any>`` do so without retries;
``impatient-responses/<any>`` and ``impatient-chat/<any>`` also give up after two seconds of silence,
which a busy machine alone may bring: only for answers that fall silent. ``unwelcome-responses/<any>``
and ``unwelcome-chat/<any>`` have a wrong key; ``demo/demo`` needs no upstream. The default provider is
``responses``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from tests.upstream.threaded import ThreadedUpstream

Layout: TypeAlias = Literal["serve", "core+edge", "cores+edge"]

UPSTREAM_KEY = "sk-upstream-0123456789"
KEY = "sk-test-alpha-0123456789"
OTHER_KEY = "sk-test-beta-0123456789"

_COMMAND = Path(sys.executable).with_name("understudy")
_TERM_SECONDS = 90


@dataclass(kw_only=True)
class Process:
    """One process of ours. ``facts`` is what it announced: ``REST``, ``gRPC``, ``store``, ..."""

    popen: subprocess.Popen[str]
    log: Path
    facts: dict[str, str] = field(default_factory=dict)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.popen.kill()
        self._reap()

    def terminate(self) -> None:
        """SIGTERM; raises ``AssertionError`` unless it then ends with status 0."""
        self.popen.send_signal(signal.SIGTERM)
        try:
            status: int | None = self.popen.wait(_TERM_SECONDS)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            status = None
        self._reap()
        assert status == 0, f"{self.log.stem} ended with {status}\n{self.log.read_text()}"

    def _reap(self) -> None:
        self.popen.wait()
        if self.popen.stdout:
            self.popen.stdout.close()


@dataclass(kw_only=True)
class Deployment:
    """A running Understudy. ``key`` and ``other_key`` belong to different projects."""

    url: str
    """The ``base_url`` for an OpenAI client; ends in ``/v1``."""
    grpc: str
    upstream: ThreadedUpstream
    processes: list[Process]
    key: str = KEY
    other_key: str = OTHER_KEY

    def sizes(self) -> list[int]:
        """How much each process has logged so far."""
        return [len(process.log.read_text()) for process in self.processes]

    def output(self, since: list[int]) -> str:
        """What the processes have logged after they had logged so much."""
        logs = zip(self.processes, since, strict=True)
        return "".join(process.log.read_text()[size:] for process, size in logs)


@contextmanager
def deployed(
    layout: Layout,
    folder: Path,
    upstream: ThreadedUpstream,
    *,
    store: str = "",
    settings: Mapping[str, str] | None = None,
) -> Iterator[Deployment]:
    """Start it in ``folder``, which keeps its data and logs.

    ``store`` is a URL, by default a SQLite file; ``settings`` are further environment variables.
    """
    processes: list[Process] = []
    variables = environment(folder, upstream, store) | dict(settings or {})
    try:
        if layout == "serve":
            processes.append(start(["serve"], folder, variables))
        else:
            # One by one, so that those that started are ended if the next one does not.
            for number in range(2 if layout == "cores+edge" else 1):
                processes.append(start(["core"], folder, variables, log=f"core{number}.log"))  # noqa: PERF401
            cores = ",".join(process.facts["gRPC"] for process in processes)
            processes.append(start(["edge", "--core", cores], folder, variables))
        yield Deployment(
            url=processes[-1].facts["REST"],
            grpc=processes[0].facts["gRPC"],
            upstream=upstream,
            processes=processes,
        )
        for process in reversed(processes):
            process.terminate()
    finally:
        for process in processes:
            process.kill()


def start(
    arguments: list[str], folder: Path, variables: Mapping[str, str], *, log: str = ""
) -> Process:
    """Start ``understudy`` and wait for its announcement. Raises ``AssertionError`` if none comes.

    ``log``: the file in ``folder`` to which it logs, by default named after its command.
    """
    path = folder / (log or f"{arguments[0]}.log")
    with path.open("a") as errors:
        popen = subprocess.Popen(
            [str(_COMMAND), *arguments],
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    process = Process(popen=popen, log=path)
    last = "core" if arguments[0] == "edge" else "model"
    assert popen.stdout is not None
    for line in popen.stdout:
        name, _, value = line.strip().partition(" ")
        process.facts[name] = value.strip()
        if name == last:
            return process
    status = popen.wait()
    popen.stdout.close()
    raise AssertionError(f"{arguments} did not start: {status}\n{path.read_text()}")


def environment(folder: Path, upstream: ThreadedUpstream, store: str = "") -> dict[str, str]:
    """The variables of ``deployed``, for tests that ``start`` processes themselves."""
    config = folder / "understudy.toml"
    config.write_text(_configuration(upstream.base_url))
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "UPSTREAM_KEY": upstream.api_key,
        "WRONG_KEY": "sk-wrong-0123456789",
        "UNDERSTUDY_API_KEYS": f"{KEY}:alpha,{OTHER_KEY}:beta",
        "UNDERSTUDY_CONFIG": str(config),
        "UNDERSTUDY_DATA": str(folder / "data"),
        "UNDERSTUDY_GRACE": "2",
        "UNDERSTUDY_GRPC": "127.0.0.1:0",
        "UNDERSTUDY_HEARTBEAT": "0.1",
        # A busy machine is no dead core. What waits for the end of a lease sets a shorter one.
        "UNDERSTUDY_KEEPALIVE_TIMEOUT": "60",
        "UNDERSTUDY_LEASE": "60",
        "UNDERSTUDY_POLL_AFTER_MS": "20",
        "UNDERSTUDY_PORT": "0",
        "UNDERSTUDY_STORE": store,
    }


def _configuration(base_url: str) -> str:
    tables = ['default_provider = "responses"', '[providers.demo]\ndialect = "demo"']
    for dialect in ("responses", "chat"):
        for name, variable, more in (
            (dialect, "UPSTREAM_KEY", ""),
            (f"single-{dialect}", "UPSTREAM_KEY", "max_retries = 0"),
            (f"impatient-{dialect}", "UPSTREAM_KEY", "stall_timeout = 2\nmax_retries = 0"),
            (f"unwelcome-{dialect}", "WRONG_KEY", ""),
        ):
            tables.append(
                f'[providers.{name}]\ndialect = "{dialect}"\nbase_url = "{base_url}"\n'
                f'api_key_env = "{variable}"\n{more}'
            )
    return "\n\n".join(tables) + "\n"
