"""``/v1/embeddings``: what is refused, and vectors that are the same each time.

A vector counts the words of its text, each at a place that follows from its hash, so texts with words in common are
near to each other.
"""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from typing import Any

import numpy as np

from tests.upstream.checks import (
    Refused,
    anything,
    array,
    integer,
    one_of,
    shape,
    text,
    text_or,
)

DIMENSIONS = 64
LONGEST = 8191
"""Words: what this provider calls tokens."""
MOST = 2048
"""Texts of one request."""

_REQUEST = shape(
    {"model": text, "input": text_or(array(text, least=1))},
    {"encoding_format": one_of("float", "base64"), "dimensions": integer(1), "user": anything},
)


def check(body: Any) -> None:
    """Raises ``Refused``."""
    _REQUEST(body, "")
    texts = _texts(body)
    if len(texts) > MOST:
        raise Refused(f"batch size must not be larger than {MOST}.", param="input")
    for given in texts:
        if not given:
            raise Refused("input cannot be an empty string.", param="input")
        length = len(given.split())
        if length > LONGEST:
            raise Refused(
                f"This model's maximum context length is {LONGEST} tokens, however you requested"
                f" {length} tokens ({length} in your prompt; 0 for the completion). Please reduce your"
                " prompt; or completion length."
            )


def answer(body: Any) -> dict[str, Any]:
    texts = _texts(body)
    rows = [vector(given, body.get("dimensions", DIMENSIONS)) for given in texts]
    encoded = body.get("encoding_format") == "base64"
    words = sum(len(given.split()) for given in texts)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _written(row, encoded=encoded)}
            for index, row in enumerate(rows)
        ],
        "model": body["model"],
        "usage": {"prompt_tokens": words, "total_tokens": words},
    }


def vector(given: str, dimensions: int = DIMENSIONS) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Not of length 1: a client has to see to that itself."""
    row = np.full(dimensions, 0.01, dtype=np.float32)
    for word in re.findall(r"\w+", given.lower()):
        row[int.from_bytes(sha256(word.encode()).digest()[:4]) % dimensions] += 1
    return row


def _texts(body: Any) -> list[str]:
    given = body["input"]
    return [given] if isinstance(given, str) else given


def _written(row: np.ndarray[Any, np.dtype[np.float32]], *, encoded: bool) -> object:
    return base64.b64encode(row.astype("<f4").tobytes()).decode() if encoded else row.tolist()
