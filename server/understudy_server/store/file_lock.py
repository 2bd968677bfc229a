"""Who may serve a file: an advisory lock on another file beside it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from threading import Event

from understudy_server.errors import StoreUnavailable

_SHARED = "shared"
"""What a shared lock's file says, instead of the process that has it."""


_TRIES = 1_000
_PAUSE = Event()
"""Never set: waiting for it, a hundredth of a second each time, is how a thread pauses."""


class FileInUse(StoreUnavailable):
    """Another process has the file, and not both share it."""


class FileLock:
    """Held from construction to ``release``; the system lets go of it when the process dies.

    Exclusive, or shared with every other shared one. The file stays behind: removing it would let two
    processes lock two different files of one name.
    """

    def __init__(self, path: Path, *, protects: Path, shared: bool = False) -> None:
        """Raise ``FileInUse``, naming ``protects``, if another's lock does not allow this one."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._file, 20).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise FileInUse(f"{protects} {_refusal(holder, shared=shared)}") from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{_SHARED if shared else os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._file)


def wait_for_lock(file: int, *, protects: Path) -> None:
    """Lock the open ``file`` until it is closed. For a thread: others hold it for some milliseconds.

    Raises ``StoreUnavailable``, naming ``protects``, after some ten seconds.
    """
    for _ in range(_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _PAUSE.wait(0.01)
        else:
            return
    raise StoreUnavailable(f"{protects} is still being opened by another process")


def _refusal(holder: str, *, shared: bool) -> str:
    if holder == _SHARED:
        return (
            "is in use by servers that share it: stop them, or let this one share it too "
            "(put ?shared=true at the end of its store URL)"
        )
    if shared:
        return (
            f"is in use by another server (process {holder}), which does not share it: stop that one, "
            "or put ?shared=true at the end of its store URL too"
        )
    return (
        f"is in use by another server (process {holder}): stop that one, "
        "or put ?shared=true at the end of the store URL of both"
    )
