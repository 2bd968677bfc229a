"""What an engine would run as containers, as processes on this machine's loopback.

Commands, environments and health checks are those of the files; only addresses and folders are replaced:
each service has a free port in the place of its own, and a folder in the place of ``/data``.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_PATIENCE = 300.0
"""Seconds for a service to become healthy or to end, on however slow a machine."""


class Network:
    """Where each service is. ``ports``: the port that it has in its container."""

    def __init__(self, ports: Mapping[str, int], free: Sequence[int]) -> None:
        self._inner = dict(ports)
        self._outer = dict(zip(ports, free, strict=True))

    def port(self, service: str) -> int:
        return self._outer[service]

    def translate(self, text: str, service: str) -> str:
        """What the text of a service means here."""
        names = "|".join(self._inner)
        pattern = rf"\b(?P<name>{names}):(?P<port>\d+)\b|\b{self._inner[service]}\b"

        def replace(match: re.Match[str]) -> str:
            name = match["name"]
            if name is None:
                return str(self._outer[service])
            assert int(match["port"]) == self._inner[name], f"{service} names {match[0]}"
            return f"127.0.0.1:{self._outer[name]}"

        return re.sub(pattern, replace, text).replace("0.0.0.0", "127.0.0.1")


class Container:
    """One service. ``start`` it, as often as it has ended."""

    def __init__(
        self,
        service: str,
        folder: Path,
        network: Network,
        *,
        command: Sequence[str],
        health_check: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        folder.mkdir()
        self.service = service
        self.folder = folder
        self.output = folder / "output.log"
        self._network = network
        self._command = self._here(command)
        if command[0] == "redis-server":
            # In its container it listens on all addresses.
            self._command += ["--bind", "127.0.0.1"]
        self._health_check = self._here(health_check)
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            **{
                name: network.translate(value, service).replace("/data", str(folder))
                for name, value in environment.items()
            },
        }
        self._process: subprocess.Popen[bytes] | None = None

    def _here(self, command: Sequence[str]) -> list[str]:
        name, *arguments = (self._network.translate(word, self.service) for word in command)
        ours = {
            "python": sys.executable,
            "understudy": str(Path(sys.executable).with_name("understudy")),
        }
        found = ours.get(name) or shutil.which(name)
        assert found, f"{name} is not installed"
        return [found, *arguments]

    def start(self) -> None:
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_until_healthy(self) -> None:
        """Until its health check succeeds. Raises ``AssertionError`` if it ends, or never does."""
        assert self._process is not None
        end = time.monotonic() + _PATIENCE
        while not self.is_healthy():
            told = f"{self.service}\n{self.output.read_text()}"
            assert self._process.poll() is None, f"ended: {told}"
            assert time.monotonic() < end, f"not healthy: {told}"
            time.sleep(0.05)  # between two looks

    def is_healthy(self) -> bool:
        done = subprocess.run(
            self._health_check,
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """As an engine stops it; the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(_PATIENCE)
