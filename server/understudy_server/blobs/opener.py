"""From the place that a setting names to its blobs: the one file that knows which class is which.

    /srv/files, ~/files        a folder, made if it is missing
    memory:                    in this process; gone when it ends
    s3://bucket/prefix         Amazon S3, and what speaks like it
    gs://bucket/prefix         Google Cloud Storage
    az://container/prefix      Azure Blob Storage

The object stores need the extra ``understudy[object-store]``; keys, regions and endpoints come from the environment.
"""

from __future__ import annotations

from understudy_server.blobs.folder import FolderBlobs
from understudy_server.blobs.memory import MemoryBlobs
from understudy_server.blobs.port import Blobs

OBJECT_STORES = ("s3", "gs", "az")

_MISSING = (
    "Files are to be kept in {place}, which needs a package that is not installed: "
    "pip install 'understudy[object-store]'"
)


class InvalidPlace(ValueError):
    """A mistake in the configuration; the text says what to write instead."""


async def open_blobs(place: str) -> Blobs:
    """Raises ``InvalidPlace``, or ``BlobsUnavailable`` when the place cannot be used."""
    scheme = place.partition("://")[0]
    if place in ("memory:", "memory://"):
        return MemoryBlobs()
    if not is_folder(place):
        if scheme in OBJECT_STORES:
            return await _object_store(place)
        known = ", ".join(f"{name}://" for name in OBJECT_STORES)
        raise InvalidPlace(
            f"Files cannot be kept in {scheme}://: give a folder, {known} or memory:"
        )
    if not place:
        raise InvalidPlace("Files need a place: a folder, the URL of an object store, or memory:")
    return await FolderBlobs.open(place)


def is_folder(place: str) -> bool:
    return "://" not in place and place != "memory:"


async def _object_store(place: str) -> Blobs:
    try:
        from understudy_server.blobs.objects import ObjectBlobs, WrongPlace
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise InvalidPlace(_MISSING.format(place=place)) from None
    try:
        return await ObjectBlobs.open(place)
    except WrongPlace as error:
        raise InvalidPlace(str(error)) from None
