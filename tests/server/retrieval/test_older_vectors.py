"""Files whose vectors come from another model, or from none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from tests.server.retrieval.library import (
    FakeEmbeddings,
    Library,
    document,
    files,
    search,
)
from understudy_server.errors import EmbeddingError
from understudy_server.retrieval.embedded import EmbeddedRetrieval


async def test_vectors_of_another_model_are_compared_with_its_own(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    await library.add("file-old", document("red fox", model="acme/old"))
    await library.add("file-new", document("red fox", model="acme/new", dimensions=4))
    await library.add("file-none", document("red fox"))
    new, old = FakeEmbeddings("acme/new", 4), FakeEmbeddings("acme/old")
    hits = await retrieval_of(library, new, old).search(search(library, "red fox"))
    assert set(files(hits)) == {"file-old", "file-new", "file-none"}
    assert (new.asked, old.asked) == (["red fox"], ["red fox"])
    assert files(hits)[-1] == "file-none"


async def test_a_model_that_is_gone_leaves_the_words(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    await library.add("file-a", document("red fox", model="gone/one"))
    await library.add("file-b", document("blue sea", model="gone/one"))
    retrieval = retrieval_of(library, FakeEmbeddings("acme/new"))
    for ranking in ("fused", "single"):
        assert files(await retrieval.search(search(library, "fox", ranking=ranking))) == ["file-a"]


async def test_an_older_model_that_fails_leaves_the_words_and_the_present_one_is_an_error(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    await library.add("file-a", document("red fox", model="acme/old"))
    new, old = FakeEmbeddings("acme/new"), FakeEmbeddings("acme/old", broken=True)
    retrieval = retrieval_of(library, new, old)
    with capture_logs() as logs:
        assert files(await retrieval.search(search(library, "fox"))) == ["file-a"]
    assert [line["model"] for line in logs] == ["acme/old"]
    await library.add("file-b", document("red fox", model="acme/new"))
    new.broken = True
    with pytest.raises(EmbeddingError, match="no vectors today"):
        await retrieval.search(search(library, "fox"))


async def test_vectors_of_another_length_are_not_compared(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    await library.add("file-a", document("red fox", model="acme/new", dimensions=8))
    retrieval = retrieval_of(library, FakeEmbeddings("acme/new", 4))
    assert files(await retrieval.search(search(library, "fox"))) == ["file-a"]
    assert not await retrieval.search(search(library, "nothing"))


async def test_no_model_is_asked_where_there_are_no_vectors(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    await library.add("file-a", document("red fox"))
    model = FakeEmbeddings("acme/new")
    await retrieval_of(library, model).search(search(library, "fox"))
    await library.add("file-b", document("red fox", model="acme/new"))
    await retrieval_of(library, model).search(search(library, "  "))
    assert not model.asked
