"""From scores to one order. Pure.

Two rankings are fused by reciprocal rank, counted from 1 and with ties in the order of files and chunks:

    score = (K + 1) / 2 * (1 / (K + rank by words) + 1 / (K + rank by meaning)),   K = 60

A ranking in which a chunk is not among the first ``DEPTH``, or not at all, adds nothing. So a chunk that is first in
both has 1, one that is first in one and absent from the other 0.5. Where there is one ranking only, its own scores
are the scores (``scoring.py``). Of several questions, each chunk keeps its best score.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from understudy_server.retrieval.scoring import Scores

K: Final = 60
DEPTH: Final = 400
"""Places of one ranking that count."""

Chunks: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Best first; every score above 0."""

    chunks: Chunks
    scores: Scores

    def above(self, threshold: float) -> Iterator[tuple[int, float]]:
        for chunk, score in zip(self.chunks.tolist(), self.scores.tolist(), strict=True):
            if score < threshold:
                return
            yield chunk, score


def ranked(
    words: Scores,
    meaning: Scores | None,
    *,
    asked: Mask,
    order: Chunks,
    ranking: Literal["fused", "single"],
    depth: int = DEPTH,
) -> Ranked:
    """The first ``depth`` of one question. ``asked``: which chunks pass the filters; ``order``: settles ties."""
    if meaning is None:
        return _first(words, asked, order, depth)
    if ranking == "single":
        # What has no vector that compares is found by its words, in any store.
        return _first(np.where(meaning < 0, words, meaning), asked, order, depth)
    fused = np.zeros(len(words))
    for scores in (words, meaning):
        best = _first(scores, asked, order, depth)
        fused[best.chunks] += (K + 1) / 2 / (K + 1 + np.arange(len(best.chunks)))
    return _first(fused, asked, order, depth)


def joined(rankings: Sequence[Ranked], order: Chunks) -> Ranked:
    """Of several questions."""
    if len(rankings) == 1:
        return rankings[0]
    chunks = np.concatenate([each.chunks for each in rankings])
    scores = np.concatenate([each.scores for each in rankings])
    places = np.lexsort((-scores, chunks))
    chunks, scores = chunks[places], scores[places]
    best = np.ones(len(chunks), dtype=bool)
    best[1:] = chunks[1:] != chunks[:-1]
    chunks, scores = chunks[best], scores[best]
    places = np.lexsort((order[chunks], -scores))
    return Ranked(chunks=chunks[places], scores=scores[places])


def _first(scores: Scores, asked: Mask, order: Chunks, depth: int) -> Ranked:
    chunks = np.flatnonzero(asked & (scores > 0))
    if len(chunks) > depth:
        # Everything that ties with the last place goes into the sort, which decides.
        least = np.partition(scores[chunks], len(chunks) - depth)[len(chunks) - depth]
        chunks = chunks[scores[chunks] >= least]
    places = np.lexsort((order[chunks], -scores[chunks]))[:depth]
    return Ranked(chunks=chunks[places], scores=scores[chunks[places]])
