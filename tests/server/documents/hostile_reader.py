"""A reader that a document has taken over: it does what its bytes say. Run as a program, with a reader's arguments."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import NoReturn

from understudy_server.documents.confinement import confine
from understudy_server.documents.reader import TEXT, answer


def main() -> None:
    _, memory, seconds, parent = sys.argv[1:]
    confine(memory=int(memory), seconds=int(seconds), parent=int(parent))
    word, _, rest = os.read(0, 1000).decode().partition(" ")
    globals()[f"do_{word}"](rest)


def do_crash(_: str) -> None:
    ctypes.string_at(0)


def do_sleep(pid_file: str) -> NoReturn:
    print_pid(pid_file)
    while True:
        time.sleep(1000)


def do_spin(_: str) -> NoReturn:
    while True:
        pass


def do_eat(_: str) -> None:
    try:
        found = [bytearray(1024**2)]
        while True:
            found.append(bytearray(len(found[-1]) * 2))
    except MemoryError:
        answer(TEXT, "no more memory")


def do_leave(status: str) -> NoReturn:
    os._exit(int(status))


def do_kill(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def do_flood(_: str) -> NoReturn:
    os.write(1, b"text 10000000000\n")
    while True:
        os.write(1, b"x" * 65536)


def do_say(words: str) -> NoReturn:
    os.write(1, words.encode().decode("unicode_escape").encode("latin-1"))
    os._exit(0)


def do_fork(_: str) -> NoReturn:
    """What it forks holds its output open; the superuser may fork in spite of the limit."""
    try:
        if os.fork() == 0:
            while True:
                time.sleep(1000)
    except OSError:
        pass
    os._exit(0)


def do_write(path: str) -> None:
    try:
        Path(path).write_bytes(b"x" * 10)
    except OSError:
        answer(TEXT, "cannot write")
    answer(TEXT, "written")


def do_environment(_: str) -> None:
    answer(TEXT, repr(dict(os.environ)))


def do_files(_: str) -> None:
    answer(TEXT, " ".join(sorted(os.listdir("/proc/self/fd"))))  # noqa: PTH208


def do_connect(port: str) -> None:
    try:
        socket.create_connection(("127.0.0.1", int(port)), timeout=60).close()
    except OSError:
        answer(TEXT, "cannot connect")
    answer(TEXT, "connected")


def print_pid(file: str) -> None:
    """The parent gave it as an inherited pipe's path: no file can be written."""
    with open(file, "wb", buffering=0) as pipe:  # noqa: PTH123
        pipe.write(str(os.getpid()).encode())


main()
