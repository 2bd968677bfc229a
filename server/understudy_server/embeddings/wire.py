"""The body of ``/v1/embeddings``, there and back. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final

import numpy as np
import orjson

from understudy_server.embeddings.port import Vectors
from understudy_server.models.failure import UpstreamFailure
from understudy_server.models.loose import Json, as_list, as_object

_TINY: Final = 1e-12


def body(model: str, texts: Sequence[str], *, dimensions: int, base64: bool) -> bytes:
    """``dimensions`` 0: not asked for."""
    fields: dict[str, object] = {"model": model, "input": texts}
    if base64:
        # A third of the bytes of numbers in JSON, and no digits to parse.
        fields["encoding_format"] = "base64"
    if dimensions:
        fields["dimensions"] = dimensions
    return orjson.dumps(fields)


def vectors(answer: Json, count: int) -> Vectors:
    """``count`` rows of length 1. Raises ``UpstreamFailure`` for anything else."""
    entries = [as_object(entry) for entry in as_list(answer.get("data"))]
    if len(entries) != count:
        raise _bad(f"{len(entries)} vectors for {count} texts")
    rows: list[Vectors | None] = [None] * count
    for place, entry in enumerate(entries):
        index = entry.get("index", place)
        if type(index) is not int or not 0 <= index < count or rows[index] is not None:
            raise _bad("vectors that are not numbered as the texts are")
        rows[index] = _row(entry.get("embedding"))
    found = [row for row in rows if row is not None]
    if len({row.shape for row in found}) > 1:
        raise _bad("vectors of different lengths")
    return normalised(np.stack(found))


def _row(value: object) -> Vectors:
    try:
        if isinstance(value, str):
            row = np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4")
        elif isinstance(value, list) and all(type(each) in (float, int) for each in value):
            with np.errstate(over="ignore"):
                row = np.array(value, dtype=np.float64).astype(np.float32)
        else:
            raise _bad("no vector")
    except (binascii.Error, ValueError, OverflowError):
        raise _bad("a vector that cannot be read") from None
    if not row.size:
        raise _bad("an empty vector")
    return row.astype(np.float32)


def normalised(rows: Vectors) -> Vectors:
    """Each with length 1. Raises ``UpstreamFailure`` where that cannot be."""
    if not np.isfinite(rows).all():
        raise _bad("a vector with numbers that are not finite")
    wide = rows.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    if (lengths < _TINY).any():
        raise _bad("a vector of zeros")
    result: Vectors = (wide / lengths).astype(np.float32)
    return result


def _bad(words: str) -> UpstreamFailure:
    return UpstreamFailure(kind="malformed", message=words)
