"""The folder of the store: there, private, writable, with room."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from understudy_cli.doctor.finding import Finding
from understudy_server.store.opener import InvalidStoreUrl, parse_sqlite

_LITTLE = 1_000_000_000
_TOO_LITTLE = 50_000_000
"""Bytes."""


def file_of(store: str) -> Path | None:
    """The file of a SQLite URL; None for other stores, and for a URL that is wrong."""
    try:
        return parse_sqlite(store).path.absolute()
    except InvalidStoreUrl:
        return None


def examine(folder: Path) -> Finding:
    try:
        existing = folder
        while not existing.exists():
            existing = existing.parent
        # The permission bits alone say too little: read-only mounts, quotas, access lists.
        with tempfile.TemporaryFile(dir=existing):
            free = shutil.disk_usage(existing).free
    except OSError as error:
        return Finding(
            "FAIL",
            "data folder",
            f"{existing} cannot be written to ({error.strerror}): change its owner, or set "
            "UNDERSTUDY_DATA or --store",
        )
    room = f"{free / 1e9:.1f} GB free"
    if free < _TOO_LITTLE:
        return Finding("FAIL", "data folder", f"{existing}: the disk is full ({room})")
    if existing is not folder:
        return Finding("ok", "data folder", f"{folder} will be made at the first start, {room}")
    if folder.stat().st_mode & 0o077:
        return Finding("warn", "data folder", f"others may look into {folder}: chmod 700 {folder}")
    if free < _LITTLE:
        return Finding("warn", "data folder", f"{folder}: the disk is nearly full ({room})")
    return Finding("ok", "data folder", f"{folder} is private and writable, {room}")
