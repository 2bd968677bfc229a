"""Uploads, pure: what they may be, what they are by now, which parts make the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from understudy.v1 import upload_pb2
from understudy_server import refused_values as words
from understudy_server.clock import SECOND
from understudy_server.errors import InvalidRequest, StateConflict, TooLarge
from understudy_server.files.names import check_filename
from understudy_server.store.v1.records_pb2 import Blob, UploadPartRecord, UploadRecord

LIFETIME = 3600
"""Seconds in which an upload can be completed."""

PART_LIMIT = 64 * 1024 * 1024
"""Bytes of one part."""

MAX_PARTS = 10_000

PENDING = upload_pb2.UPLOAD_STATUS_PENDING
COMPLETED = upload_pb2.UPLOAD_STATUS_COMPLETED
CANCELLED = upload_pb2.UPLOAD_STATUS_CANCELLED
EXPIRED = upload_pb2.UPLOAD_STATUS_EXPIRED

_MIME_TYPE = re.compile(r"[!#$&^_.+\w-]+/[!#$&^_.+\w-]+(\s*;.*)?", re.ASCII)
_MD5 = re.compile(r"[0-9a-fA-F]{32}", re.ASCII)


def check_new(request: upload_pb2.CreateUploadRequest) -> None:
    """Raises ``InvalidRequest`` for what could never become a file."""
    check_filename(request.filename)
    if request.bytes < 1:
        raise words.below_minimum("bytes", "integer", 1, request.bytes)
    if not _MIME_TYPE.fullmatch(request.mime_type):
        raise InvalidRequest(
            f"Invalid 'mime_type': '{request.mime_type}'. Expected a type such as 'text/plain'.",
            reason="INVALID_VALUE",
            param="mime_type",
        )


def status_of(record: UploadRecord, now: int) -> upload_pb2.UploadStatus.ValueType:
    """``now``: microseconds, store time."""
    upload = record.upload
    if upload.status == PENDING and now >= upload.expires_at * SECOND:
        return EXPIRED
    return upload.status


def check_pending(record: UploadRecord, now: int, verb: str) -> None:
    """Raises ``StateConflict`` otherwise. ``verb``: what was asked for, ``complete``."""
    status = status_of(record, now)
    if status != PENDING:
        refuse(status, verb)


def refuse(status: upload_pb2.UploadStatus.ValueType, verb: str) -> NoReturn:
    word = upload_pb2.UploadStatus.Name(status).removeprefix("UPLOAD_STATUS_").lower()
    raise StateConflict(f"Cannot {verb} upload with status '{word}'.")


def allowance_after(used: int, part: int, upload: upload_pb2.Upload) -> int:
    """What is used of an upload's allowance once a part of so many bytes is added.

    There is room for every byte to come twice, since who gets no answer sends a part again. A small part counts as
    more than it is, so that the parts are not too many either. Raises ``TooLarge``.
    """
    allowance = 2 * upload.bytes + PART_LIMIT
    after = used + max(part, -(-allowance // MAX_PARTS))
    if after > allowance:
        raise TooLarge(
            f"The parts of upload '{upload.id}' are too many or too large: "
            f"it was announced to be {upload.bytes} bytes."
        )
    return after


def chosen_parts(
    part_ids: Sequence[str], found: Mapping[str, UploadPartRecord], upload: upload_pb2.Upload
) -> list[Blob]:
    """The pieces of the file, in order. Raises ``InvalidRequest``."""
    if not part_ids:
        raise words.empty_array("part_ids")
    seen: set[str] = set()
    for index, id in enumerate(part_ids):
        if id in seen or id not in found:
            fault = "given more than once" if id in seen else "not a part of this upload"
            raise InvalidRequest(
                f"Invalid 'part_ids[{index}]': '{id[:256]}' is {fault}.",
                reason="INVALID_VALUE",
                param=f"part_ids[{index}]",
            )
        seen.add(id)
    pieces = [found[id].blob for id in part_ids]
    total = sum(piece.bytes for piece in pieces)
    if total != upload.bytes:
        raise InvalidRequest(
            f"Invalid 'part_ids': the parts hold {total} bytes, but the upload was announced to be "
            f"{upload.bytes} bytes.",
            reason="INVALID_VALUE",
            param="part_ids",
        )
    return pieces


def check_md5_shape(md5: str) -> None:
    if not _MD5.fullmatch(md5):
        raise InvalidRequest(
            "Invalid 'md5': expected 32 hexadecimal digits.", reason="INVALID_VALUE", param="md5"
        )


def check_md5(expected: str, found: str) -> None:
    """Raises ``InvalidRequest`` unless both are the same."""
    if expected.lower() != found:
        raise InvalidRequest(
            f"Invalid 'md5': the parts have the checksum '{found}', but '{expected}' was expected.",
            reason="INVALID_VALUE",
            param="md5",
        )
