"""Opening the SQLite file: its folder, its locks, its connections."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from understudy_server.errors import StoreUnavailable
from understudy_server.store.file_lock import FileLock, wait_for_lock
from understudy_server.store.sqlite_schema import connect, migrate
from understudy_server.store.sqlite_writer import BUSY_TIMEOUT


class OpenFile(NamedTuple):
    writing: sqlite3.Connection
    reading: sqlite3.Connection
    resources: ExitStack
    """Closes the connections, then lets go of the lock."""


async def open_file(path: Path, *, shared: bool, locked: bool) -> OpenFile:
    """Open or create the file. Raises ``StoreUnavailable``, naming it."""
    loop = asyncio.get_running_loop()
    opening = loop.run_in_executor(None, partial(_open, path, shared, locked))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        # The thread goes on; a connection that were closed under its hands would end the process.
        opening.add_done_callback(_close_unwanted)
        raise


def _close_unwanted(opening: asyncio.Future[OpenFile]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().resources.close()


def _open(path: Path, shared: bool, locked: bool) -> OpenFile:
    path = path.absolute()
    with ExitStack() as resources:
        try:
            _create_folder(path.parent)
            with _alone(path):
                if locked:
                    lock = FileLock(
                        path.with_name(f"{path.name}.lock"), protects=path, shared=shared
                    )
                    resources.callback(lock.release)
                writing, reading = _connect(path, resources)
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"{path} cannot be opened: {error}") from error
        return OpenFile(writing, reading, resources.pop_all())
    raise AssertionError("unreachable: nothing above suppresses exceptions")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process after the other: what several do to a new file, SQLite refuses in places."""
    file = os.open(
        path.with_name(f"{path.name}.opening"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        wait_for_lock(file, protects=path)
        yield
    finally:
        os.close(file)


def _connect(path: Path, resources: ExitStack) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """To write and to read."""
    _create_file(path)
    writing = connect(path)
    resources.callback(writing.close)
    migrate(writing, path)
    writing.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    reading = connect(path)
    resources.callback(reading.close)
    reading.execute("PRAGMA query_only = ON")
    reading.execute("PRAGMA busy_timeout = 50")  # in ms; the event loop waits with it
    return writing, reading


def _create_file(path: Path) -> None:
    """SQLite would create it readable for everyone; its side files inherit the mode."""
    # A file that exists is left alone: closing it would drop the locks that SQLite holds on it for
    # another store of this process.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _create_folder(folder: Path) -> None:
    if folder.exists():
        return
    _create_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    # The new name itself must survive a power cut.
    parent = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
