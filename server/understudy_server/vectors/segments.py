"""What was made of a file: reading its text back."""

from __future__ import annotations

from contextlib import aclosing

from understudy_server.blobs.port import Blobs
from understudy_server.store.v1.records_pb2 import Blob, Segment


async def text(blobs: Blobs, segment: Blob) -> str:
    """The text alone: the vectors, which take most of the bytes, are not read.

    Raises ``BlobMissing`` and ``BlobsUnavailable``.
    """
    found = bytearray()
    needed: int | None = None
    async with aclosing(blobs.read(segment.key)) as chunks:
        async for chunk in chunks:
            found += chunk
            if needed is None:
                needed = _end_of_text(found)
            if needed is not None and len(found) >= needed:
                break
    return Segment.FromString(bytes(found[:needed])).text


_TEXT_TAG = Segment.TEXT_FIELD_NUMBER << 3 | 2
"""Of a field with a length; a segment is written with its fields in order, so the text comes first."""

_MARK = 0x80


def _end_of_text(start: bytes | bytearray) -> int | None:
    """Where the first field ends; None: not yet to be told, or not the text."""
    if not start or start[0] != _TEXT_TAG:
        return None
    length = shift = 0
    for index, byte in enumerate(start[1:11], 1):
        length |= (byte & ~_MARK) << shift
        if not byte & _MARK:
            return index + 1 + length
        shift += 7
    return None
