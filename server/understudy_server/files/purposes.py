"""What follows from a file's purpose."""

from __future__ import annotations

from understudy.v1 import file_pb2

KEPT_IN = frozenset(
    {file_pb2.FILE_PURPOSE_ASSISTANTS, file_pb2.FILE_PURPOSE_USER_DATA},
)
"""Purposes whose files OpenAI did not give back."""

BATCH_DAYS = 30
"""A file for a batch expires after this many days, unless it says otherwise."""


def purpose_of(given: file_pb2.UploadPurpose.ValueType) -> file_pb2.FilePurpose.ValueType:
    """The purpose of the file that an upload of this purpose makes: the one of the same name."""
    name = file_pb2.UploadPurpose.Name(given).removeprefix("UPLOAD_PURPOSE_")
    return file_pb2.FilePurpose.Value(f"FILE_PURPOSE_{name}")


def word(purpose: file_pb2.FilePurpose.ValueType) -> str:
    """As it stands in JSON."""
    name = file_pb2.FilePurpose.Name(purpose).removeprefix("FILE_PURPOSE_").lower()
    return name.replace("_", "-") if name.startswith("fine_tune") else name


def lifetime(
    purpose: file_pb2.UploadPurpose.ValueType, after: file_pb2.FileExpirationAfter | None
) -> int:
    """Seconds from a file's creation to its end; 0: it has none."""
    if after is not None:
        return after.seconds
    return BATCH_DAYS * 24 * 3600 if purpose == file_pb2.UPLOAD_PURPOSE_BATCH else 0
