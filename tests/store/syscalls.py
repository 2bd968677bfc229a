"""Run a program with ``syscalls.c`` preloaded, and read what it asked of the disk.

Needs a C compiler named ``cc`` and the C library's headers (Debian: ``gcc``, ``libc6-dev``).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("syscalls.c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One recorded call, or a mark that the program itself wrote between two."""

    name: str
    """``pwrite``, ``ftruncate``, ``fsync`` (also for fdatasync) or ``mark``."""
    result: int
    offset: int
    path: str
    """The file; the text of a mark."""
    data: bytes


def compile_recorder(folder: Path) -> Path:
    """Compile the library into ``folder``."""
    library = folder / "syscalls.so"
    options = ("-shared", "-fPIC", "-O1", "-Wall", "-Werror")
    subprocess.run(["cc", *options, "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return library


def run_recorded(
    library: Path, script: Path, *arguments: str, log: Path, fault: Path
) -> tuple[str, list[Call]]:
    """The program's output and its calls. ``fault``: see ``syscalls.c``."""
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "SYSCALLS_LOG": str(log),
        "SYSCALLS_FAULT": str(fault),
    }
    log.touch()
    program = subprocess.run(
        [sys.executable, script, *arguments], env=environment, stdout=subprocess.PIPE, check=True
    )
    return program.stdout.decode(), list(_calls(log.read_bytes()))


def _calls(log: bytes) -> Iterator[Call]:
    at = 0
    while at < len(log):
        end = log.index(b"\n", at)
        name, result, offset, length, path = log[at:end].decode().split(" ", 4)
        size = int(length) if name == "pwrite" and int(result) > 0 else 0
        data = log[end + 1 : end + 1 + size]
        at = end + 1 + size
        yield Call(name=name, result=int(result), offset=int(offset), path=path, data=data)
