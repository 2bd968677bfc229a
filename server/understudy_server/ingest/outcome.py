"""What an error means for the file that was worked on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from understudy.v1 import vector_store_file_pb2 as files
from understudy_server.errors import (
    BlobMissing,
    BlobsUnavailable,
    EmbeddingError,
    InvalidFile,
    StoreError,
    UnsupportedFile,
)
from understudy_server.ingest.lease import SERVER_ERROR

MAX_TRIES = 6
"""Of a file that meets trouble of this machine, which may be the file's own doing."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds until a file is tried again."""

SORRY = "The server had an error processing this file."


@dataclass(frozen=True, slots=True)
class Fail:
    """The file has failed."""

    code: files.VectorStoreFileErrorCode.ValueType
    message: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Somebody is to try again."""

    seconds: float


Outcome: TypeAlias = Fail | Retry


def of(error: Exception, tries: int) -> Outcome:
    """``tries``: how often this core has tried the file, this time included."""
    pause = Retry(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries - 1, 16)))
    match error:
        case UnsupportedFile():
            code = files.VECTOR_STORE_FILE_ERROR_CODE_UNSUPPORTED_FILE
            return Fail(code, error.message)
        case InvalidFile():
            return Fail(files.VECTOR_STORE_FILE_ERROR_CODE_INVALID_FILE, error.message)
        case EmbeddingError():
            return Fail(SERVER_ERROR, error.message)
        case BlobMissing():
            return Fail(SERVER_ERROR, "The bytes of this file are not there any more.")
        case StoreError() | BlobsUnavailable():
            # Whoever waits for the store waits for every file alike.
            return pause
        case OSError():
            return pause if tries < MAX_TRIES else Fail(SERVER_ERROR, SORRY)
        case _:
            return Fail(SERVER_ERROR, SORRY)
