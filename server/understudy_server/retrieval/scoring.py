"""How well each chunk answers each question, by words and by meaning. Pure.

**By words**: Okapi BM25 with k1 = 1.2 and b = 0.75 over all chunks of the store, each different word of the question
once. It is divided by what it would be for a chunk full of all of the words, which makes it 0 to 1 and keeps the order.

**By meaning**: the cosine of the angle between two vectors; less than 0 counts as 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from understudy_server.embeddings.port import Vectors
from understudy_server.retrieval.block import Block, Counts, Numbers
from understudy_server.retrieval.words import Terms

Scores: TypeAlias = npt.NDArray[np.float64]
"""One for each chunk."""

_K1: Final = 1.2
_B: Final = 0.75
_DECIMALS: Final = 6
"""Beyond these, sums of float32 depend on how a matrix lies in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    terms: Terms
    vectors: Mapping[tuple[str, int], Vectors]
    """By model and dimensions; of each vector the shape (dimensions,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All that is needed of one block to answer some questions."""

    lengths: Numbers
    postings: Sequence[Sequence[tuple[Numbers, Counts]]]
    """Of each question, of each of its terms: chunks and counts."""
    cosines: Sequence[npt.NDArray[np.float32] | None]
    """Of each question; None: this block has no vectors that compare with the question's."""


def gather(block: Block, questions: Sequence[Question]) -> Gathered:
    """Copies of the block's postings, so that the block itself may be forgotten."""
    return Gathered(
        lengths=block.lengths,
        postings=[[_copied(block.postings(term)) for term in q.terms] for q in questions],
        cosines=[_cosines(block, question) for question in questions],
    )


def _copied(found: tuple[Numbers, Counts]) -> tuple[Numbers, Counts]:
    chunks, counts = found
    return chunks.copy(), counts.copy()


def _cosines(block: Block, question: Question) -> npt.NDArray[np.float32] | None:
    vector = question.vectors.get(block.kind)
    return None if vector is None else np.clip(block.vectors @ vector, 0, 1)


def by_words(gathered: Sequence[Gathered], question: int) -> Scores:
    """0 for chunks that have none of the words."""
    lengths = np.concatenate([part.lengths for part in gathered]).astype(np.float64)
    scores = np.zeros(len(lengths))
    if not scores.size:
        return scores
    norms = _K1 * (1 - _B + _B * lengths / max(lengths.mean(), 1e-9))
    firsts = np.cumsum([0, *(len(part.lengths) for part in gathered)])
    most = 0.0
    for term in range(len(gathered[0].postings[question])):
        found = [part.postings[question][term] for part in gathered]
        chunks = np.concatenate(
            [each[0].astype(np.int64) + first for each, first in zip(found, firsts, strict=False)]
        )
        counts = np.concatenate([each[1] for each in found]).astype(np.float64)
        rarity = np.log1p((len(lengths) - len(chunks) + 0.5) / (len(chunks) + 0.5))
        scores[chunks] += rarity * counts * (_K1 + 1) / (counts + norms[chunks])
        most += rarity * (_K1 + 1)
    return np.round(scores / most, _DECIMALS) if most else scores


def by_meaning(gathered: Sequence[Gathered], question: int) -> Scores | None:
    """Less than 0 for chunks that cannot be compared; None if there is no other."""
    if not any(len(part.lengths) for part in gathered if part.cosines[question] is not None):
        return None
    parts: list[Scores] = []
    for part in gathered:
        cosines = part.cosines[question]
        missing = np.full(len(part.lengths), -1.0)
        parts.append(missing if cosines is None else cosines.astype(np.float64))
    scores: Scores = np.concatenate(parts)
    return scores.round(_DECIMALS)
