"""A vector store, and retrieval over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.server.retrieval.library import PLENTY, FakeEmbeddings, FakeModels, Library
from understudy_server.retrieval.embedded import EmbeddedRetrieval


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
async def retrieval_of() -> AsyncIterator[Callable[..., EmbeddedRetrieval]]:
    opened: list[EmbeddedRetrieval] = []

    def open_one(library: Library, *models: FakeEmbeddings, memory: int = PLENTY) -> Any:
        opened.append(
            EmbeddedRetrieval(
                store=library.store, blobs=library.blobs, models=FakeModels(*models), memory=memory
            )
        )
        return opened[-1]

    yield open_one
    for each in opened:
        await each.close()
