"""Whether a folder can be written to, and how much fits on its disk."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

LITTLE = 1_000_000_000
"""Bytes."""


class NotWritable(Exception):
    """The text names the folder and the reason."""


@dataclass(frozen=True, slots=True)
class Room:
    existing: Path
    """The folder, or the nearest one above it that is there."""
    free: int
    """Bytes."""

    def __str__(self) -> str:
        return f"{self.free / 1e9:.1f} GB free"


def room_for(folder: Path) -> Room:
    """Makes nothing. Raises ``NotWritable``."""
    existing = folder
    try:
        while not existing.exists():
            existing = existing.parent
        # The permission bits alone say too little: read-only mounts, quotas, access lists.
        with tempfile.TemporaryFile(dir=existing):
            return Room(existing, shutil.disk_usage(existing).free)
    except OSError as error:
        raise NotWritable(f"{existing} cannot be written to ({error.strerror})") from None
