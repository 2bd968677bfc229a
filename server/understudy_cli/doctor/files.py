"""The place of files: it can be written to, and everybody who needs it sees it. Nothing is made."""

from __future__ import annotations

import asyncio
from pathlib import Path

from understudy_cli.doctor.finding import Finding
from understudy_cli.doctor.room import LITTLE, NotWritable, room_for
from understudy_server.blobs.opener import InvalidPlace, is_folder, open_blobs
from understudy_server.config import CoreConfig
from understudy_server.errors import BlobsUnavailable


async def examine(core: CoreConfig) -> Finding:
    place = core.blobs
    if place.startswith("memory:"):
        return Finding("warn", "files", "memory: forgets every file when the server stops")
    if is_folder(place):
        found = await asyncio.to_thread(_folder, place)
        return _alone(place, core.store) if found.level == "ok" and _is_networked(core) else found
    try:
        blobs = await open_blobs(place)
    except (InvalidPlace, BlobsUnavailable) as error:
        return Finding("FAIL", "files", f"{place}: {error}")
    await blobs.close()
    return Finding("ok", "files", f"{place} takes files and gives them back")


def _is_networked(core: CoreConfig) -> bool:
    return not core.store.startswith(("sqlite:", "memory:"))


def _alone(place: str, store: str) -> Finding:
    scheme = store.partition(":")[0]
    return Finding(
        "warn",
        "files",
        f"{place} is a folder, and {scheme} can be shared by several machines: cores on other machines do not see "
        "these files, unless that folder is on a file system which they share too; an object store "
        "(UNDERSTUDY_FILES=s3://...) is seen by all of them",
    )


def _folder(place: str) -> Finding:
    folder = Path(place).expanduser().absolute()
    try:
        room = room_for(folder)
    except NotWritable as error:
        return Finding("FAIL", "files", f"{error}: change its owner, or set UNDERSTUDY_FILES")
    if room.existing != folder:
        return Finding("ok", "files", f"{folder} will be made at the first start, {room}")
    if room.free < LITTLE:
        return Finding("warn", "files", f"{folder}: the disk is nearly full ({room})")
    return Finding("ok", "files", f"{folder} is writable, {room}")
