"""Cutting a text into chunks that overlap. Pure.

Sizes are tokens as ``runs/tokens.py`` estimates them, on every machine the same and a little on the safe side: the
models that read the chunks have tokenizers of their own. A chunk ends, and the next one begins, at the best border
nearby: of a page or paragraph, a sentence, a line, a word.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

_UNIT = 20
"""Units in a token, so that all weights are whole numbers."""
_LETTER, _DIGIT, _ASCII, _BYTE = 5, 12, 16, 8
"""Of a letter or space, a digit, other ASCII, and a byte of anything else. The weights of ``tokens.of_text``."""

_END_TOLERANCE = 0.2
"""How much shorter than it may be a chunk gets for a better end."""
_START_TOLERANCE = 0.2
"""How much smaller than asked an overlap gets for a better start."""

_BORDERS = (
    ("\f", "\n\n"),
    (". ", ".\n", "! ", "!\n", "? ", "?\n", "\u3002", "\uff01", "\uff1f"),
    ("\n",),
    (" ", "\t", "\u3000"),
)
"""Best first; a border is behind these."""


def _weights() -> npt.NDArray[np.int64]:
    weights = np.full(128, _ASCII, dtype=np.int64)
    weights[[ord(" "), *range(ord("A"), ord("Z") + 1), *range(ord("a"), ord("z") + 1)]] = _LETTER
    weights[ord("0") : ord("9") + 1] = _DIGIT
    return weights


_WEIGHTS = _weights()


def chunks(text: str, *, size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Where chunks begin and end, in characters; the end is exclusive. Both rise.

    No chunk has more than ``size`` tokens, and no two neighbours share more than ``overlap``; they share less by
    ``_START_TOLERANCE`` of it at most, and by a character. Between them they hold the whole text, but for chunks of
    nothing but white space, which are left out. Takes time in proportion to the text, whatever it is. ``ValueError``
    for an overlap of more than half the size, and for sizes below 4.
    """
    if size < 4 or not 0 <= overlap <= size // 2:
        raise ValueError(f"no chunks of {size} tokens that share {overlap}")
    start = end = 0
    while end < len(text):
        # No character weighs less than a letter.
        window = text[start : start + size * _UNIT // _LETTER + 1]
        sums = _sums(window)
        most = int(np.searchsorted(sums, size * _UNIT, side="right"))
        last = start + most >= len(text)
        if last:
            length = len(window)
        else:
            least = int(np.searchsorted(sums, size * _UNIT * (1 - _END_TOLERANCE), side="left")) + 1
            length = _last_border(window, max(least, end - start + 1), most)
        end = start + length
        if not window[:length].isspace():
            yield start, end
        if last:
            return
        shared = _first_shared(sums, length, overlap)
        start += _first_border(window, shared, length, sums, overlap)


def _sums(window: str) -> npt.NDArray[np.int64]:
    """Units up to and with each character."""
    codes = np.frombuffer(window.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")
    beyond = 2 + (codes >= 0x800).astype(np.int64) + (codes >= 0x10000)
    weights = np.where(codes < 128, _WEIGHTS[np.minimum(codes, 127)], beyond * _BYTE)
    return np.cumsum(weights)


def _last_border(window: str, least: int, most: int) -> int:
    """The best length from ``least`` to ``most``."""
    if least >= most:
        return most
    for kind in _BORDERS:
        found = -1
        for border in kind:
            at = window.rfind(border, max(0, least - len(border)), most)
            if at >= 0:
                found = max(found, at + len(border))
        if found >= 0:
            return found
    return most


def _first_shared(sums: npt.NDArray[np.int64], length: int, overlap: int) -> int:
    """Where the last ``overlap`` tokens of the first ``length`` characters begin."""
    before = int(sums[length - 1]) - overlap * _UNIT
    return int(np.searchsorted(sums[:length], before, side="left")) + 1 if before > 0 else 1


def _first_border(
    window: str, first: int, length: int, sums: npt.NDArray[np.int64], overlap: int
) -> int:
    """The best place from ``first`` on."""
    if first >= length:
        return length
    limit = int(sums[first - 1]) + overlap * _UNIT * _START_TOLERANCE
    most = min(length, int(np.searchsorted(sums[:length], limit, side="right")))
    for kind in _BORDERS:
        places = []
        for border in kind:
            at = window.find(border, max(0, first - len(border)), most)
            if at >= 0:
                places.append(at + len(border))
        if places:
            return min(places)
    return first
