"""A vector store that is filled without ingestion, and the slow and simple way to search it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from tests.models.fakes import InstantClock
from understudy.v1.vector_store_file_pb2 import Attribute
from understudy_server.blobs.memory import MemoryBlobs
from understudy_server.blobs.port import Blobs
from understudy_server.embeddings.port import Embeddings, Vectors
from understudy_server.errors import EmbeddingError
from understudy_server.retrieval.port import Hit, Search
from understudy_server.retrieval.segment import encode
from understudy_server.retrieval.words import terms_of, words
from understudy_server.store import tables
from understudy_server.store.commits import commit_new
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Operation, Store
from understudy_server.store.tables import HEAD_ID
from understudy_server.store.v1.records_pb2 import Blob, VectorStoreFileRecord, VectorStoreHead
from understudy_server.vectors.counting import COMPLETED


@dataclass(frozen=True, kw_only=True)
class Document:
    text: str
    bounds: Sequence[tuple[int, int]]
    model: str = ""
    vectors: Vectors | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


def document(*chunks: str, model: str = "", dimensions: int = 8, **attributes: Any) -> Document:
    """Chunks of a text, one after the other; ``attributes`` are texts."""
    bounds, text = [], ""
    for chunk in chunks:
        bounds.append((len(text), len(text) + len(chunk)))
        text += chunk + "\n"
    return Document(
        text=text,
        bounds=bounds,
        model=model,
        vectors=vectors_of(chunks, model, dimensions) if model else None,
        attributes={name: Attribute(text=value) for name, value in attributes.items()},
    )


def vectors_of(texts: Sequence[str], model: str, dimensions: int = 8) -> Vectors:
    """Each word has a direction of its own, another one for each model."""
    rows = np.full((len(texts), dimensions), 1e-3, dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in text.lower().split():
            seed = sum(ord(c) * 31**n for n, c in enumerate(model + word)) % 2**32
            row[:] += np.random.default_rng(seed).normal(size=dimensions).astype(np.float32)
    result: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return result


class FakeEmbeddings:
    """The ``Embeddings`` port, by ``vectors_of``; records what it was asked for."""

    def __init__(self, name: str, dimensions: int = 8, *, broken: bool = False) -> None:
        self.name = name
        self.dimensions = dimensions
        self.broken = broken
        self.asked: list[str] = []

    async def embed(self, texts: Sequence[str], *, of: Literal["passage", "query"]) -> Vectors:
        assert of == "query"
        self.asked += texts
        if self.broken:
            raise EmbeddingError("no vectors today")
        return vectors_of(texts, self.name, self.dimensions)

    async def close(self) -> None: ...


class FakeModels:
    """The ``EmbeddingModels`` port; the first one is the present one."""

    def __init__(self, *models: FakeEmbeddings) -> None:
        self._models = {model.name: model for model in models}
        self.present: Embeddings | None = models[0] if models else None

    def named(self, name: str, dimensions: int) -> Embeddings | None:
        del dimensions
        return self._models.get(name)

    async def close(self) -> None: ...


class CountingBlobs(MemoryBlobs):
    """Counts what is read; ``before_read`` may wait, or remove something."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []
        self.before_read: Callable[[str], Any] | None = None

    async def read(self, key: str, *, start: int = 0, length: int | None = None) -> Any:
        self.reads.append(key)
        if self.before_read is not None:
            await self.before_read(key)
        async for chunk in super().read(key, start=start, length=length):
            yield chunk


class Library:
    """One vector store."""

    def __init__(
        self, store: Store | None = None, blobs: Blobs | None = None, id: str = "vs_1"
    ) -> None:
        self.clock = InstantClock()
        self.store = MemoryStore(self.clock) if store is None else store
        self.blobs = CountingBlobs() if blobs is None else blobs
        self.partition = tables.vector_store_partition("default", id)
        self.documents: dict[str, Document] = {}
        self._order = 0
        self._keys = 0

    async def add(self, id: str, document: Document) -> str:
        """A file that is not there, or in place of the one that is; gives its segment's key."""
        self._keys += 1
        key = f"{self.partition.name.removeprefix('vector_store/')}/{self._keys}"
        content = encode(
            document.text, document.bounds, embedding=document.model, vectors=document.vectors
        )
        await self.blobs.write(key, _chunks(content))
        body = VectorStoreFileRecord(filename=f"{id}.txt")
        body.file.id = id
        body.file.status = COMPLETED
        body.segment.CopyFrom(Blob(key=key, bytes=len(content)))
        body.chunks = len(document.bounds)
        await self.put(id, body, document)
        return key

    async def put(self, id: str, body: VectorStoreFileRecord, document: Document) -> None:
        body.file.attributes.clear()
        for name, value in document.attributes.items():
            body.file.attributes[name].CopyFrom(value)
        before = await tables.vector_files.get(self.store, self.partition, id, fresh=True)
        self._order += 1
        put = tables.vector_files.put(
            id,
            body,
            expected=None if before is None else before.version,
            order=self._order if before is None else before.order,
        )
        self.documents[id] = document
        await self.commit(put)

    async def remove(self, id: str, *, blob: bool = True) -> None:
        row = await tables.vector_files.get(self.store, self.partition, id, fresh=True)
        assert row is not None
        del self.documents[id]
        await self.commit(tables.vector_files.delete(row))
        if blob:
            await self.blobs.delete(row.body.segment.key)

    async def commit(self, *operations: Operation, tombstone: bool = False) -> None:
        head = await tables.vector_heads.get(self.store, self.partition, HEAD_ID, fresh=True)
        body = VectorStoreHead(last_order=self._order, tombstone=tombstone)
        put = tables.vector_heads.put(
            HEAD_ID, body, expected=None if head is None else head.version, order=0
        )
        await commit_new(self.store, self.partition, [put, *operations], self.clock)


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


PLENTY = 64 * 1024 * 1024
"""Bytes of memory."""


def search(library: Library, *queries: str, **options: Any) -> Search:
    given: dict[str, Any] = {"partition": library.partition, "queries": queries, "limit": 10}
    return Search(**given | options)


def files(hits: Sequence[Hit]) -> list[str]:
    return [hit.file_id for hit in hits]


Found = tuple[str, int, float]
"""File, number of the chunk, score."""


def brute_force(
    documents: Mapping[str, Document],
    queries: Sequence[str],
    *,
    models: Sequence[str] = (),
    passes: Callable[[Document], bool] = lambda _: True,
    ranking: str = "fused",
    threshold: float = 0.0,
    limit: int = 10,
) -> list[Found]:
    """The definition of a search, in plain Python over whole documents."""
    chunks = [(id, n) for id, found in documents.items() for n in range(len(found.bounds))]
    best: dict[tuple[str, int], float] = {}
    for query in queries:
        by_words = _bm25(documents, chunks, query)
        by_meaning = _cosines(documents, chunks, query, models)
        asked = {chunk for chunk in chunks if passes(documents[chunk[0]])}
        if not by_meaning:
            scores = by_words
        elif ranking == "single":
            scores = {**by_words, **by_meaning}
        else:
            scores = dict.fromkeys(chunks, 0.0)
            for each in (by_words, by_meaning):
                order = sorted(
                    (c for c in chunks if c in asked and each.get(c, 0) > 0),
                    key=lambda c: (-each[c], chunks.index(c)),
                )
                for rank, chunk in enumerate(order, 1):
                    scores[chunk] += 61 / 2 / (60 + rank)
        for chunk in asked:
            best[chunk] = max(best.get(chunk, 0.0), scores[chunk])
    order = sorted(best, key=lambda c: (-round(best[c], 9), chunks.index(c)))
    return [(*c, best[c]) for c in order if best[c] > 0 and best[c] >= threshold][:limit]


def _bm25(
    documents: Mapping[str, Document], chunks: Sequence[tuple[str, int]], query: str
) -> dict[tuple[str, int], float]:
    counts = {}
    for id, number in chunks:
        begin, end = documents[id].bounds[number]
        counts[id, number] = Counter(words(documents[id].text[begin:end]).terms.tolist())
    lengths = {chunk: sum(found.values()) for chunk, found in counts.items()}
    mean = sum(lengths.values()) / max(len(lengths), 1) or 1.0
    scores = dict.fromkeys(chunks, 0.0)
    most = 0.0
    for term in terms_of(query).tolist():
        having = sum(term in found for found in counts.values())
        rarity = math.log(1 + (len(chunks) - having + 0.5) / (having + 0.5))
        most += rarity * 2.2
        for chunk, found in counts.items():
            norm = 1.2 * (0.25 + 0.75 * lengths[chunk] / mean)
            scores[chunk] += rarity * found[term] * 2.2 / (found[term] + norm)
    return {chunk: round(score / most, 6) if most else 0.0 for chunk, score in scores.items()}


def _cosines(
    documents: Mapping[str, Document],
    chunks: Sequence[tuple[str, int]],
    query: str,
    models: Sequence[str],
) -> dict[tuple[str, int], float]:
    scores = {}
    for id, number in chunks:
        found = documents[id]
        if found.model in models and found.vectors is not None:
            (vector,) = vectors_of([query], found.model, found.vectors.shape[1])
            cosine = sum(
                float(a) * float(b) for a, b in zip(found.vectors[number], vector, strict=True)
            )
            scores[id, number] = round(min(max(cosine, 0.0), 1.0), 6)
    return scores
