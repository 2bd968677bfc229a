"""Real Redis servers, on this machine's loopback, for as long as a test needs them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

PATIENCE = 60.0
"""Seconds for a server to start, on however slow a machine."""
CLUSTER_SIZE = 3
_BUS = 10_000
"""A Cluster's nodes talk to each other at their port plus this."""


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[str]:
    """The URL of a server on a Unix socket in ``folder``, which must have a short path."""
    path = folder / "redis.sock"
    with _process(folder, "--port", "0", "--unixsocket", str(path), *options):
        yield f"unix://{path}"


@contextmanager
def redis_cluster(folder: Path) -> Iterator[str]:
    """The URL of one of the nodes of a Cluster without replicas."""
    with ExitStack() as stack:
        ports = free_ports(CLUSTER_SIZE)
        for port in ports:
            node = folder / str(port)
            node.mkdir()
            options = ["--port", str(port), "--bind", "127.0.0.1", "--cluster-enabled", "yes"]
            stack.enter_context(_process(node, *options, "--save", ""))
        addresses = [f"127.0.0.1:{port}" for port in ports]
        _cli("--cluster", "create", *addresses, "--cluster-yes")
        for port in ports:
            _wait_until(_knows_its_cluster(port))
        yield f"redis+cluster://{addresses[0]}"


def free_ports(count: int) -> Sequence[int]:
    """Ports that are free now, and their bus ports with them."""
    with ExitStack() as stack:
        ports: list[int] = []
        while len(ports) < count:
            taken = stack.enter_context(socket.socket())
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            # Bus ports end at 65535, and below those that the system gives out nobody interferes.
            port = port % 20_000 + 12_000
            if port not in ports and _is_free(port) and _is_free(port + _BUS):
                ports.append(port)
        return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _knows_its_cluster(port: int) -> Callable[[], bool]:
    return lambda: "cluster_state:ok" in _cli("-p", str(port), "cluster", "info")


@contextmanager
def _process(folder: Path, *options: str) -> Iterator[None]:
    log = folder / "redis.log"
    process = subprocess.Popen(
        [_program("redis-server"), "--dir", str(folder), "--logfile", str(log), *options]
    )
    try:
        _wait_until(
            lambda: log.exists() and "eady to accept connections" in log.read_text(),
            unless=lambda: process.poll() is not None,
        )
        yield
    finally:
        process.kill()
        process.wait()


def _cli(*arguments: str) -> str:
    done = subprocess.run(
        [_program("redis-cli"), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is not installed; `make test` installs it from Debian's packages"
    return found


def _wait_until(true: Callable[[], bool], *, unless: Callable[[], bool] = lambda: False) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert not unless(), "redis-server ended"
        assert time.monotonic() < end, "redis-server is not ready"
        time.sleep(0.01)
