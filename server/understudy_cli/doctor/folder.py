"""The folder of the store: there, private, writable, with room."""

from __future__ import annotations

from pathlib import Path

from understudy_cli.doctor.finding import Finding
from understudy_cli.doctor.room import LITTLE, NotWritable, room_for
from understudy_server.store.opener import InvalidStoreUrl, parse_sqlite

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
        room = room_for(folder)
    except NotWritable as error:
        words = f"{error}: change its owner, or set UNDERSTUDY_DATA or --store"
        return Finding("FAIL", "data folder", words)
    if room.free < _TOO_LITTLE:
        return Finding("FAIL", "data folder", f"{room.existing}: the disk is full ({room})")
    if room.existing is not folder:
        return Finding("ok", "data folder", f"{folder} will be made at the first start, {room}")
    if folder.stat().st_mode & 0o077:
        return Finding("warn", "data folder", f"others may look into {folder}: chmod 700 {folder}")
    if room.free < LITTLE:
        return Finding("warn", "data folder", f"{folder}: the disk is nearly full ({room})")
    return Finding("ok", "data folder", f"{folder} is private and writable, {room}")
