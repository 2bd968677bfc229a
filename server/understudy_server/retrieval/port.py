"""The retrieval port: the chunks of a vector store that answer a question best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from understudy.v1 import vector_store_file_pb2, vector_store_search_pb2
from understudy_server.store.port import Partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One search of one vector store."""

    partition: Partition
    queries: Sequence[str]
    """Results of several are joined; each chunk comes once."""
    limit: int
    """Results at most."""
    filters: vector_store_search_pb2.SearchFilter | None = None
    """Already checked."""
    ranking: Literal["fused", "single"] = "fused"
    """``single``: by vectors alone, or by words where there are none."""
    threshold: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One chunk."""

    file_id: str
    filename: str
    score: float
    """0 to 1."""
    text: str
    start: int
    """Characters into the text of the file."""
    attributes: Mapping[str, vector_store_file_pb2.Attribute]


class Retrieval(Protocol):
    async def search(self, search: Search) -> Sequence[Hit]:
        """Best first. Sees every file whose completion was acknowledged before.

        Raises ``StoreError``, ``BlobsUnavailable`` and ``EmbeddingError``.
        """
        ...

    async def close(self) -> None: ...
