"""What a search needs of some files at once: vectors, and which words are in which chunk. Pure; blocks never change.

Texts are not part of it: a search reads those of its results from the segments.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from understudy_server.embeddings.port import Vectors
from understudy_server.retrieval.segment import Segment
from understudy_server.retrieval.words import Terms, words

Numbers: TypeAlias = npt.NDArray[np.uint32]
Counts: TypeAlias = npt.NDArray[np.uint16]

_MOST: Final = np.iinfo(np.uint16).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Files of one embedding model, or of none. Chunks are numbered through, file by file."""

    model: str
    """``provider/model``; empty: no vectors."""
    keys: tuple[str, ...]
    """Of each file: the blob key of its segment."""
    starts: Numbers
    """Of each file: the number of its first chunk; and behind the last, the number of chunks."""
    vectors: Vectors
    """Shape (chunks, dimensions); (chunks, 0) without a model."""
    lengths: Numbers
    """Of each chunk: its number of words."""
    terms: Terms
    """Every word of the block once, ascending."""
    offsets: npt.NDArray[np.int64]
    """Of each word: where its postings begin; and behind the last, their number."""
    chunks: Numbers
    """Of each posting: the chunk."""
    counts: Counts
    """Of each posting: how often the word is in the chunk."""

    @classmethod
    def of(cls, key: str, segment: Segment) -> Block:
        """The block of one file."""
        found = words(segment.text)
        first = np.searchsorted(found.starts, segment.bounds[:, 0])
        last = np.searchsorted(found.starts, segment.bounds[:, 1])
        terms, chunks, counts = [], [], []
        for number, (low, high) in enumerate(zip(first, last, strict=True)):
            different, often = np.unique(found.terms[low:high], return_counts=True)
            terms.append(different)
            counts.append(np.minimum(often, _MOST))
            chunks.append(np.full(len(different), number))
        size = len(segment.bounds)
        vectors = segment.vectors
        return _sorted(
            model=segment.embedding,
            keys=(key,),
            starts=np.array([0, size], dtype=np.uint32),
            vectors=np.zeros((size, 0), dtype=np.float32) if vectors is None else vectors.copy(),
            lengths=(last - first).astype(np.uint32),
            terms=np.concatenate([np.zeros(0, dtype=np.uint64), *terms]),
            chunks=np.concatenate([np.zeros(0, dtype=np.uint32), *chunks]),
            counts=np.concatenate([np.zeros(0, dtype=np.uint16), *counts]),
        )

    @property
    def kind(self) -> tuple[str, int]:
        """Blocks of the same kind can be joined."""
        return self.model, self.vectors.shape[1]

    @property
    def size(self) -> int:
        """Chunks."""
        return len(self.lengths)

    @property
    def bytes(self) -> int:
        arrays = (
            self.starts,
            self.vectors,
            self.lengths,
            self.terms,
            self.offsets,
            self.chunks,
            self.counts,
        )
        return sum(array.nbytes for array in arrays) + sum(200 + len(key) for key in self.keys)

    def sizes(self) -> npt.NDArray[np.int64]:
        """Of each file: its number of chunks."""
        starts = self.starts.astype(np.int64)
        return starts[1:] - starts[:-1]

    def files(self) -> npt.NDArray[np.int64]:
        """Of each chunk: the number of its file."""
        return np.repeat(np.arange(len(self.keys)), self.sizes())

    def postings(self, term: np.uint64) -> tuple[Numbers, Counts]:
        """The chunks that have a word, ascending, and how often."""
        at = int(np.searchsorted(self.terms, term))
        if at == len(self.terms) or self.terms[at] != term:
            return self.chunks[:0], self.counts[:0]
        part = slice(int(self.offsets[at]), int(self.offsets[at + 1]))
        return self.chunks[part], self.counts[part]

    def without(self, keys: Collection[str]) -> Block | None:
        """The other files; None if there are none."""
        kept = np.array([key not in keys for key in self.keys])
        if not kept.any():
            return None
        chunks = kept[self.files()]
        renumbered = np.cumsum(chunks) - 1
        postings = chunks[self.chunks]
        sizes = self.sizes()[kept]
        return _sorted(
            model=self.model,
            keys=tuple(key for key, keep in zip(self.keys, kept, strict=True) if keep),
            starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint32),
            vectors=self.vectors[chunks],
            lengths=self.lengths[chunks],
            terms=np.repeat(self.terms, np.diff(self.offsets))[postings],
            chunks=renumbered[self.chunks[postings]],
            counts=self.counts[postings],
        )


def join(blocks: Sequence[Block]) -> Block:
    """One block of several of one kind, in their order."""
    if len(blocks) == 1:
        return blocks[0]
    firsts = np.cumsum([0, *(block.size for block in blocks)])
    return _sorted(
        model=blocks[0].model,
        keys=tuple(key for block in blocks for key in block.keys),
        starts=np.concatenate(
            [*(b.starts[:-1] + f for b, f in zip(blocks, firsts, strict=False)), firsts[-1:]]
        ).astype(np.uint32),
        vectors=np.concatenate([block.vectors for block in blocks]),
        lengths=np.concatenate([block.lengths for block in blocks]),
        terms=np.concatenate([np.repeat(b.terms, np.diff(b.offsets)) for b in blocks]),
        chunks=np.concatenate([b.chunks + f for b, f in zip(blocks, firsts, strict=False)]),
        counts=np.concatenate([block.counts for block in blocks]),
    )


def _sorted(
    *,
    model: str,
    keys: tuple[str, ...],
    starts: Numbers,
    vectors: Vectors,
    lengths: Numbers,
    terms: Terms,
    chunks: npt.NDArray[np.integer],
    counts: npt.NDArray[np.integer],
) -> Block:
    """``terms``: one for each posting, in the order of the chunks."""
    order = np.argsort(terms, kind="stable")
    different, offsets = np.unique(terms[order], return_index=True)
    return Block(
        model=model,
        keys=keys,
        starts=starts,
        vectors=vectors,
        lengths=lengths,
        terms=different,
        offsets=np.append(offsets, len(terms)),
        chunks=chunks[order].astype(np.uint32),
        counts=counts[order].astype(np.uint16),
    )
