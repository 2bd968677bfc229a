"""One search over everything that was gathered for it: which chunks, in which order. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from understudy_server.retrieval.block import Block
from understudy_server.retrieval.filters import Predicate
from understudy_server.retrieval.listing import Listing
from understudy_server.retrieval.port import Search
from understudy_server.retrieval.ranking import joined, ranked
from understudy_server.retrieval.scoring import Gathered, Question, by_meaning, by_words, gather


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one block brought."""

    keys: tuple[str, ...]
    sizes: npt.NDArray[np.int64]
    """Of each file: its number of chunks."""
    gathered: Gathered


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A chunk that was found."""

    key: str
    """Of its segment."""
    chunk: int
    """Its number in the file."""
    score: float


def part_of(block: Block, questions: Sequence[Question]) -> Part:
    return Part(keys=block.keys, sizes=block.sizes(), gathered=gather(block, questions))


def places(
    parts: Sequence[Part], listing: Listing, search: Search, passes: Predicate
) -> Sequence[Place]:
    """Best first. The same, and in the same order, however the files are spread over blocks."""
    ranks = {key: rank for rank, key in enumerate(listing.files)}
    asked_files = {key: passes(file.attributes) for key, file in listing.files.items()}
    keys = [key for part in parts for key in part.keys]
    if not keys:
        return ()
    sizes = np.concatenate([part.sizes for part in parts])
    starts = np.cumsum(sizes) - sizes
    numbers = np.arange(sizes.sum()) - np.repeat(starts, sizes)
    # Files in the order in which they were added, and their chunks in the order of the text.
    order = np.repeat([ranks[key] for key in keys], sizes).astype(np.int64) << 32
    order |= numbers
    asked = np.repeat(np.array([asked_files[key] for key in keys], dtype=bool), sizes)
    gathered = [part.gathered for part in parts]
    rankings = [
        ranked(
            by_words(gathered, question),
            by_meaning(gathered, question),
            asked=asked,
            order=order,
            ranking=search.ranking,
        )
        for question in range(len(search.queries))
    ]
    files = np.repeat(np.arange(len(keys)), sizes)
    return [
        Place(key=keys[files[chunk]], chunk=int(numbers[chunk]), score=score)
        for chunk, score in joined(rankings, order).above(search.threshold)
    ]


def questions_in(blocks: Sequence[Block]) -> Iterator[tuple[str, int]]:
    """The kinds of vectors with which a question has to be compared."""
    return iter(dict.fromkeys(block.kind for block in blocks if block.model))
