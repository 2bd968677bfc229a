"""The words of a text, as a search compares them. Pure.

A word is a run of letters, digits and marks. Words are compared without case and accents, and by the English stem if
they are ASCII. Scripts that are written without spaces (Chinese, Japanese, Thai; Korean too, whose words take many
endings) give each character, and each two neighbours.

Words are numbers from here on: 64 bits of a hash, the same in every process.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from threading import Lock
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import snowballstemmer

Terms: TypeAlias = npt.NDArray[np.uint64]
Places: TypeAlias = npt.NDArray[np.int64]

_NONE, _LETTER, _UNSPACED = 0, 1, 2

_UNSPACED_RANGES: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1100, 0x11FF),  # Hangul
    (0x1780, 0x17FF),  # Khmer
    (0x3041, 0x30FF),  # Hiragana, Katakana
    (0x3130, 0x318F),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFFDC),
    (0x20000, 0x3FFFF),
)
_LONGEST: Final = 64
"""Characters of a word; the rest of a longer one (it is data, not language) does not count."""

_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_KNOWN_WORDS: Final = 1 << 17

_stemmer = snowballstemmer.stemmer("english")
_stemming = Lock()
"""A stemmer keeps the word at which it works."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a text consists of, in the order of ``starts``."""

    starts: Places
    """Where each word begins, in characters."""
    terms: Terms


def words(text: str) -> Words:
    """Everything by which the text may be found."""
    points = _points(text)
    kinds = _kinds()[points]
    starts, terms = _spaced(text, points, kinds == _LETTER)
    singles, pairs = _unspaced(points, kinds == _UNSPACED)
    starts = np.concatenate([starts, *(each[0] for each in (singles, pairs))])
    terms = np.concatenate([terms, *(each[1] for each in (singles, pairs))])
    order = np.argsort(starts, kind="stable")
    return Words(starts[order], terms[order])


def terms_of(query: str) -> Terms:
    """The different words of a question, in ascending order: of unspaced scripts the pairs, or what stands alone."""
    points = _points(query)
    kinds = _kinds()[points]
    _, spaced = _spaced(query, points, kinds == _LETTER)
    unspaced = kinds == _UNSPACED
    (places, singles), (_, pairs) = _unspaced(points, unspaced)
    beside = np.zeros(len(points) + 2, dtype=bool)
    beside[1:-1] = unspaced
    alone = ~(beside[places] | beside[places + 2])
    return np.unique(np.concatenate([spaced, singles[alone], pairs]))


def _points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """What each character of Unicode is; made once, in some tens of milliseconds."""
    kinds = np.zeros(0x110000, dtype=np.uint8)
    # Beyond the third plane there are no letters.
    for point in range(0x40000):
        if unicodedata.category(chr(point))[0] in "LMN":
            kinds[point] = _LETTER
    for first, last in _UNSPACED_RANGES:
        part = kinds[first : last + 1]
        part[part == _LETTER] = _UNSPACED
    return kinds


def _spaced(
    text: str, points: npt.NDArray[np.uint32], inside: npt.NDArray[np.bool_]
) -> tuple[Places, Terms]:
    edges = np.diff(inside.astype(np.int8), prepend=np.int8(0), append=np.int8(0))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not len(begins):
        return begins, np.zeros(0, dtype=np.uint64)
    ends = np.minimum(ends, begins + _LONGEST)
    # Equal words get equal numbers without a step of Python for each; each different one is then looked at once.
    rough = np.zeros(len(begins), dtype=np.uint64)
    lengths = ends - begins
    for at in range(int(lengths.max())):
        there = lengths > at
        rough[there] = (rough[there] ^ points[begins[there] + at]) * _FACTOR
        rough[there] ^= rough[there] >> np.uint64(29)
    _, first, which = np.unique(rough, return_index=True, return_inverse=True)
    different = [_term(text[begins[one] : ends[one]]) for one in first]
    return begins, np.array(different, dtype=np.uint64)[which]


def _unspaced(
    points: npt.NDArray[np.uint32], inside: npt.NDArray[np.bool_]
) -> tuple[tuple[Places, Terms], tuple[Places, Terms]]:
    """Single characters, and pairs of neighbours."""
    singles = np.flatnonzero(inside)
    pairs = np.flatnonzero(inside[:-1] & inside[1:])
    one = points[singles].astype(np.uint64)
    two = (points[pairs].astype(np.uint64) << np.uint64(21)) | points[pairs + 1]
    return (singles, _mixed(one)), (pairs, _mixed(two))


def _mixed(values: Terms) -> Terms:
    """Spread over 64 bits, one to one."""
    mixed = (values + np.uint64(1)) * _FACTOR
    mixed ^= mixed >> np.uint64(32)
    return mixed * _FACTOR


@lru_cache(maxsize=_KNOWN_WORDS)
def _term(word: str) -> int:
    return int.from_bytes(blake2b(normal(word).encode(errors="replace"), digest_size=8).digest())


def normal(word: str) -> str:
    """A word as it is compared."""
    if not word.isascii():
        parts = unicodedata.normalize("NFKD", word.casefold())
        word = "".join(c for c in parts if not unicodedata.combining(c)) or word
    folded = word.casefold()
    if not folded.isascii() or not folded.isalpha():
        return folded
    with _stemming:
        stem: str = _stemmer.stemWord(folded)
    return stem
