"""A parent and its workers as real processes, seen from outside."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.servers import Process

_PATIENCE = 300.0
"""Seconds until something counts as never happening, on however slow a machine."""


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Raises ``AssertionError`` when it never comes true."""
    end = time.monotonic() + _PATIENCE
    while not true():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)  # between two looks


class Crew:
    """What the log of a parent tells of its workers."""

    def __init__(self, parent: Process) -> None:
        self.parent = parent

    def lines(self) -> list[dict[str, object]]:
        """Of the log; a line that is being written is not there yet."""
        text = self.parent.log.read_text()
        whole = text[: text.rfind("\n") + 1].splitlines()
        # Libraries in C write as they like.
        return [json.loads(line) for line in whole if line.startswith("{")]

    def events(self, name: str) -> list[dict[str, object]]:
        return [line for line in self.lines() if line["event"] == name]

    def pids(self, number: int) -> list[int]:
        """Of every process that has served as this worker, in order."""
        served = (line for line in self.events("worker_serves") if line["worker"] == number)
        return [int(str(line["pid"])) for line in served]

    def kill(self, number: int) -> None:
        """SIGKILL; returns when another process serves in its place."""
        before = self.pids(number)
        os.kill(before[-1], signal.SIGKILL)
        self.wait_for(number, len(before) + 1)

    def wait_for(self, number: int, count: int) -> None:
        """Until so many processes have served as this worker."""
        wait_until(lambda: len(self.pids(number)) >= count, f"worker {number} serves again")

    def wait_until_gone(self) -> None:
        """Until no worker is left that has ever served."""
        pids = [int(str(line["pid"])) for line in self.events("worker_serves")]
        assert pids
        wait_until(lambda: not any(map(_lives, pids)), "the workers are gone")


def _lives(pid: int) -> bool:
    """One whose end nobody has asked about counts as ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}
