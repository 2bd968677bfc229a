"""Real PostgreSQL servers on Unix sockets, for as long as a test needs them.

PostgreSQL does not run as root: where the tests do, it runs as ``nobody``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.store.waiting import wait_until

USER = "understudy"
_PORT = 5432
"""Part of a socket's name; nothing listens on it."""


class Server:
    """A cluster of databases in a folder of its own, which is gone at the end."""

    def __init__(self, folder: Path, settings: tuple[str, ...] = ()) -> None:
        self.folder = folder
        always = ("fsync=off", "listen_addresses=", f"unix_socket_directories={folder}")
        self._settings = (*always, *settings)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return url(self.folder)

    @property
    def socket(self) -> Path:
        return socket_in(self.folder)

    def start(self) -> None:
        options = [part for setting in self._settings for part in ("-c", setting)]
        data = self.folder / "data"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program("postgres"), "-D", data, *options], stderr=log, **unprivileged()
            )
        process = self._process
        wait_until(
            lambda: (
                b"\nready" in (data / "postmaster.pid").read_bytes()
                if (data / "postmaster.pid").exists()
                else False
            ),
            unless=lambda: process.poll() is not None,
        )

    def stop(self) -> None:
        """At once: connections are cut, and nothing is finished."""
        assert self._process is not None
        self._process.send_signal(3)
        self._process.wait()


@contextmanager
def postgres(*settings: str) -> Iterator[Server]:
    # Not pytest's own folder: it belongs to root, and the path of a socket has at most 107 bytes.
    with TemporaryDirectory(prefix="us-") as folder:
        if unprivileged():
            shutil.chown(folder, **_NOBODY)
        data = Path(folder) / "data"
        options = ("--auth=trust", f"--username={USER}", "--no-sync", "--encoding=UTF8")
        subprocess.run(
            [program("initdb"), "-D", data, "--locale=C", *options],
            check=True,
            stdout=subprocess.DEVNULL,
            **unprivileged(),
        )
        server = Server(Path(folder), settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def pgbouncer(server: Server) -> Iterator[str]:
    """The URL of a proxy that gives each transaction any of two sessions."""
    found = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert found, "pgbouncer is not installed; `make test` installs it from Debian's packages"
    with TemporaryDirectory(prefix="us-") as folder:
        path = Path(folder)
        (path / "users").write_text(f'"{USER}" ""\n')
        (path / "pgbouncer.ini").write_text(
            f"""
            [databases]
            postgres = host={server.folder} port={_PORT}
            [pgbouncer]
            listen_addr =
            listen_port = {_PORT}
            unix_socket_dir = {folder}
            auth_type = trust
            auth_file = {folder}/users
            pool_mode = transaction
            default_pool_size = 2
            max_client_conn = 500
            """.replace(" " * 12, "")
        )
        if unprivileged():
            shutil.chown(folder, **_NOBODY)
        with (path / "log").open("wb") as log:
            process = subprocess.Popen(
                [found, path / "pgbouncer.ini"], stderr=log, **unprivileged()
            )
        try:
            wait_until(
                lambda: _accepts(socket_in(path)),
                unless=lambda: process.poll() is not None,
            )
            yield url(path)
        finally:
            process.kill()
            process.wait()


def url(folder: Path) -> str:
    """Of what listens in a folder."""
    return f"postgresql://{USER}@/postgres?host={folder}"


def socket_in(folder: Path) -> Path:
    return folder / f".s.PGSQL.{_PORT}"


def program(name: str) -> str:
    """Debian keeps the programs of each version in a folder that is in nobody's path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda f: float(f.parent.name))
    found = shutil.which(name) or shutil.which(name, path=":".join(map(str, reversed(folders))))
    assert found, f"{name} is not installed; `make test` installs it from Debian's packages"
    return found


def unprivileged() -> dict[str, Any]:
    """How a process is started that must not be root's."""
    return {} if os.getuid() else {**_NOBODY, "extra_groups": []}


_NOBODY: dict[str, Any] = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid}


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
