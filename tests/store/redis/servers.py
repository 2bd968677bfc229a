"""Real Redis servers, on this machine's loopback, for as long as a test needs them."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.store.waiting import wait_until

CLUSTER_SIZE = 3
_BUS = 10_000
"""A Cluster's nodes talk to each other at their port plus this."""


class Server:
    """One process after the other, in one folder."""

    ready = "eady to accept connections"
    """What it logs when it is."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        """Without a port it listens on the Unix socket, or the port for TLS, that ``options`` name."""
        self.port = port
        self._log = folder / "redis.log"
        self._options = ["--dir", str(folder), "--logfile", str(self._log), *options]
        self._options += ["--port", str(port), "--bind", "127.0.0.1"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it answers."""
        earlier = len(self._told())
        process = subprocess.Popen([_program("redis-server"), *self._options])
        self._process = process
        try:
            wait_until(
                lambda: self.ready in self._told()[earlier:],
                unless=lambda: process.poll() is not None,
            )
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """At once: connections are cut, and nothing is finished."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def _told(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[str]:
    """The URL of a server on a Unix socket in ``folder``, which must have a short path."""
    path = folder / "redis.sock"
    with process(folder, "--unixsocket", str(path), *options):
        yield f"unix://{path}"


@contextmanager
def redis_on_loopback(folder: Path, *options: str) -> Iterator[str]:
    """The store URL of a server on a free port."""
    (port,) = free_ports(1)
    with process(folder, *options, port=port):
        yield f"redis://127.0.0.1:{port}"


@contextmanager
def lasting_redis(folder: Path) -> Iterator[Server]:
    """A server on a free port that keeps all that it confirmed, however it ends."""
    (port,) = free_ports(1)
    options = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    with process(folder, *options, port=port) as server:
        yield server


@contextmanager
def redis_cluster(folder: Path) -> Iterator[str]:
    """The URL of one of the nodes of a Cluster without replicas."""
    with ExitStack() as stack:
        ports = free_ports(CLUSTER_SIZE)
        for port in ports:
            node = folder / str(port)
            node.mkdir()
            options = ["--cluster-enabled", "yes", "--save", ""]
            stack.enter_context(process(node, *options, port=port))
        addresses = [f"127.0.0.1:{port}" for port in ports]
        cli("--cluster", "create", *addresses, "--cluster-yes")
        for port in ports:
            wait_until(_knows_its_cluster(port))
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
    return lambda: "cluster_state:ok" in cli("-p", str(port), "cluster", "info")


@contextmanager
def process(folder: Path, *options: str, port: int = 0) -> Iterator[Server]:
    server = Server(folder, *options, port=port)
    with running(server):
        yield server


@contextmanager
def running(server: Server) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.stop()


def cli(*arguments: str) -> str:
    done = subprocess.run(
        [_program("redis-cli"), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is not installed; `make test` installs it from Debian's packages"
    return found
