"""Retrieval inside the core: exact vectors and words in memory, as much of it as fits, and the rest from the blobs.

Each search reads the head of the store. If its version is the one that is in memory, nothing else is read; otherwise
the files are listed, and only those that are new are loaded. Searches of one store that find it changed wait for one
of them to load it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
import structlog

from understudy_server.blobs.port import Blobs
from understudy_server.embeddings.port import EmbeddingModels, Vectors
from understudy_server.errors import EmbeddingError
from understudy_server.retrieval.block import Block
from understudy_server.retrieval.cache import Cache
from understudy_server.retrieval.filters import predicate
from understudy_server.retrieval.found import Part, Place, part_of, places, questions_in
from understudy_server.retrieval.listing import EMPTY, Listing, read_listing
from understudy_server.retrieval.loading import blocks_of, refresh, with_all
from understudy_server.retrieval.port import Hit, Search
from understudy_server.retrieval.reading import Segments, Texts
from understudy_server.retrieval.scoring import Question
from understudy_server.retrieval.segment import Segment
from understudy_server.retrieval.words import terms_of
from understudy_server.store import tables
from understudy_server.store.port import Partition, Store
from understudy_server.store.tables import HEAD_ID

_THREADS = 2
_TEXTS = 8
"""Texts that one search reads at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Snapshot:
    listing: Listing
    blocks: Sequence[Block]
    absent: frozenset[str] = frozenset()


class EmbeddedRetrieval:
    """The ``Retrieval`` port. ``memory``: bytes that it may keep; what is being read comes on top."""

    def __init__(self, *, store: Store, blobs: Blobs, models: EmbeddingModels, memory: int) -> None:
        self._store = store
        self._models = models
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="retrieval")
        self._segments = Segments(blobs, self._executor)
        self._group = memory // 8
        self._texts = Texts(self._segments, memory // 16)
        self._cache = Cache(memory - memory // 8 - memory // 16)
        self._beyond = asyncio.Lock()
        """One search at a time goes through files that are not kept."""

    @property
    def bytes(self) -> int:
        """Of memory that is kept now."""
        return self._cache.bytes + self._texts.bytes

    async def search(self, search: Search) -> Sequence[Hit]:
        passes = predicate(search.filters)
        snapshot = await self._snapshot(search.partition)
        asked = _Asked(search.queries, self._models)
        parts = await self._parts(snapshot, asked)
        found = await self._segments.apart(lambda: places(parts, snapshot.listing, search, passes))
        return await self._hits(found, snapshot.listing, search.limit)

    async def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _snapshot(self, partition: Partition) -> _Snapshot:
        while True:
            index = self._cache.index(partition)
            async with index.lock:
                if not self._cache.has(partition, index):
                    continue
                head = await tables.vector_heads.get(self._store, partition, HEAD_ID, fresh=True)
                if head is None or head.body.tombstone:
                    self._cache.drop(partition)
                    return _Snapshot(listing=EMPTY, blocks=())
                if index.version != head.version:
                    listing = await read_listing(self._store, partition)
                    await refresh(index, listing, self._cache, self._segments)
                    index.version = head.version
                return _Snapshot(listing=index.listing, blocks=index.blocks, absent=index.absent)

    async def _parts(self, snapshot: _Snapshot, asked: _Asked) -> Sequence[Part]:
        parts = await self._gathered(snapshot.blocks, asked)
        done = snapshot.absent.union(*(part.keys for part in parts))
        others = [entry for entry in snapshot.listing.files.items() if entry[0] not in done]
        if not others:
            return parts
        async with self._beyond, aclosing(blocks_of(others, self._segments)) as blocks:
            group: list[Block] = []
            async for _, block in blocks:
                if block is None:
                    continue
                group.append(block)
                if sum(each.bytes for each in group) >= self._group:
                    parts += await self._gathered(with_all((), group), asked)
                    group = []
            parts += await self._gathered(with_all((), group), asked)
        return parts

    async def _gathered(self, blocks: Sequence[Block], asked: _Asked) -> list[Part]:
        questions = await asked.about(questions_in(blocks))
        return await self._segments.apart(lambda: [part_of(b, questions) for b in blocks])

    async def _hits(self, found: Sequence[Place], listing: Listing, limit: int) -> Sequence[Hit]:
        hits: list[Hit] = []
        left = list(found)
        while left and len(hits) < limit:
            # A text may be gone by now; then the next one takes its place.
            now, left = left[: limit - len(hits)], left[limit - len(hits) :]
            hits += await self._texts_of(now, listing)
        return hits

    async def _texts_of(self, found: Sequence[Place], listing: Listing) -> list[Hit]:
        keys = list(dict.fromkeys(place.key for place in found))
        texts: dict[str, Segment | None] = {}
        for first in range(0, len(keys), _TEXTS):
            some = keys[first : first + _TEXTS]
            read = await asyncio.gather(*(self._texts.get(key) for key in some))
            texts.update(zip(some, read, strict=True))
        hits = []
        for place in found:
            segment, file = texts[place.key], listing.files[place.key]
            if segment is not None:
                hits.append(
                    Hit(
                        file_id=file.id,
                        filename=file.filename,
                        score=place.score,
                        text=segment.chunk(place.chunk),
                        start=int(segment.bounds[place.chunk, 0]),
                        attributes=file.attributes,
                    )
                )
        return hits


class _Asked:
    """The questions of one search, with a vector for each model that is asked about."""

    def __init__(self, queries: Sequence[str], models: EmbeddingModels) -> None:
        self._queries = queries
        self._models = models
        self._terms = [terms_of(query) for query in queries]
        self._vectors: dict[tuple[str, int], Vectors | None] = {}

    async def about(self, kinds: Iterable[tuple[str, int]]) -> Sequence[Question]:
        """Raises ``EmbeddingError`` if the present model fails; vectors of another one are then not compared."""
        new = [kind for kind in kinds if kind not in self._vectors]
        self._vectors.update(zip(new, await asyncio.gather(*map(self._embed, new)), strict=True))
        return [
            Question(
                terms=terms,
                vectors={
                    kind: rows[number] for kind, rows in self._vectors.items() if rows is not None
                },
            )
            for number, terms in enumerate(self._terms)
        ]

    async def _embed(self, kind: tuple[str, int]) -> Vectors | None:
        name, dimensions = kind
        model = self._models.named(name, dimensions)
        # Nothing but space means nothing, and providers refuse it.
        said = [number for number, query in enumerate(self._queries) if query.strip()]
        rows = np.zeros((len(self._queries), dimensions), dtype=np.float32)
        if model is None:
            return None
        if not said:
            return rows
        try:
            vectors = await model.embed([self._queries[number] for number in said], of="query")
        except EmbeddingError as error:
            if model is self._models.present:
                raise
            structlog.get_logger().warning(
                "older_vectors_not_searched", model=name, reason=error.message
            )
            return None
        if vectors.shape[1] != dimensions:
            return None
        rows[said] = vectors
        return rows
