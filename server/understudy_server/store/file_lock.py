"""One process at a time: an advisory lock on a file beside the one it protects."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from understudy_server.errors import StoreUnavailable


class FileLock:
    """Held from construction to ``release``; the system lets go of it when the process dies.

    The file stays behind: removing it would let two processes lock two different files of one name.
    """

    def __init__(self, path: Path, *, protects: Path) -> None:
        """Raise ``StoreUnavailable``, naming ``protects`` and the holder, if another has it."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._file, 20).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise StoreUnavailable(
                f"{protects} is in use by another server (process {holder}); "
                "one SQLite file serves one process"
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._file)
