"""Searching: against brute force, and while the store changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.server.retrieval.library import (
    PLENTY,
    CountingBlobs,
    Document,
    FakeEmbeddings,
    FakeModels,
    Library,
    brute_force,
    document,
    files,
    search,
)
from understudy.v1 import vector_store_search_pb2 as pb
from understudy_server.retrieval.embedded import EmbeddedRetrieval


async def test_a_hit_says_everything(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    await library.add("file-a", document("red fox", "blue sea", lang="en"))
    (hit,) = await retrieval_of(library).search(search(library, "sea"))
    assert (hit.file_id, hit.filename, hit.text, hit.start) == (
        "file-a",
        "file-a.txt",
        "blue sea",
        8,
    )
    assert hit.attributes["lang"].text == "en"
    assert 0 < hit.score <= 1


WORDS = st.sampled_from(["red", "fox", "blue", "sea", "fish", "the", "a"])
CHUNKS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
MODELS = st.sampled_from(["", "", "acme/new", "acme/new", "acme/old", "gone/one"])


@st.composite
def libraries(draw: st.DrawFn) -> dict[str, Document]:
    return {
        f"file-{n}": document(
            *draw(st.lists(CHUNKS, min_size=0, max_size=4)),
            model=draw(MODELS),
            lang=draw(st.sampled_from(["en", "de"])),
        )
        for n in range(draw(st.integers(0, 6)))
    }


@settings(deadline=None, max_examples=150)
@given(
    documents=libraries(),
    queries=st.lists(CHUNKS, min_size=1, max_size=3),
    ranking=st.sampled_from(["fused", "single"]),
    threshold=st.sampled_from([0.0, 0.3, 0.9]),
    limit=st.integers(1, 10),
    filtered=st.booleans(),
    memory=st.sampled_from([PLENTY, 30_000, 4_000]),
)
async def test_it_finds_what_brute_force_finds(
    documents: dict[str, Document],
    queries: list[str],
    ranking: str,
    threshold: float,
    limit: int,
    filtered: bool,
    memory: int,
) -> None:
    library = Library()
    await library.commit()
    for id, each in documents.items():
        await library.add(id, each)
    retrieval = EmbeddedRetrieval(
        store=library.store,
        blobs=library.blobs,
        models=FakeModels(FakeEmbeddings("acme/new"), FakeEmbeddings("acme/old")),
        memory=memory,
    )
    filters = None
    if filtered:
        filters = pb.SearchFilter(type=pb.SEARCH_FILTER_TYPE_EQ, key="lang")
        filters.value.text = "en"
    options: dict[str, Any] = {"ranking": ranking, "threshold": threshold, "limit": limit}
    for _ in range(2):
        hits = await retrieval.search(search(library, *queries, filters=filters, **options))
        found = [(hit.file_id, hit.start, hit.score) for hit in hits]
        expected = [
            (id, documents[id].bounds[number][0], score)
            for id, number, score in brute_force(
                documents,
                queries,
                models=["acme/new", "acme/old"],
                passes=lambda each: not filtered or each.attributes["lang"].text == "en",
                **options,
            )
        ]
        assert [each[:2] for each in found] == [each[:2] for each in expected]
        assert [each[2] for each in found] == pytest.approx([each[2] for each in expected])
    await retrieval.close()


async def test_a_store_that_is_not_there_or_deleted_has_nothing(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    retrieval = retrieval_of(library)
    assert not await retrieval.search(search(library, "fox"))
    await library.add("file-a", document("red fox"))
    assert await retrieval.search(search(library, "fox"))
    await library.commit(tombstone=True)
    assert not await retrieval.search(search(library, "fox"))


async def test_a_new_file_is_found_by_every_core_at_once_and_only_it_is_read(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    assert isinstance(library.blobs, CountingBlobs)
    cores = [retrieval_of(library), retrieval_of(library)]
    for number in range(5):
        key = await library.add(f"file-{number}", document(f"red fox {number}"))
        library.blobs.reads.clear()
        for core in cores:
            hits = await core.search(search(library, f"{number}"))
            assert files(hits) == [f"file-{number}"]
        # Once for the words, once for the text, by each of the two.
        assert Counter(library.blobs.reads) == {key: 4}
    library.blobs.reads.clear()
    for core in cores:
        assert len(await core.search(search(library, "fox 1"))) == 5
        assert len(await core.search(search(library, "fox 1"))) == 5
    assert not library.blobs.reads


async def test_what_was_removed_or_changed_is_not_found_any_more(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    retrieval = retrieval_of(library)
    for name in ("a", "b", "c"):
        await library.add(f"file-{name}", document(f"red {name}1", f"fox {name}2"))
    assert files(await retrieval.search(search(library, "fox"))) == ["file-a", "file-b", "file-c"]
    await library.remove("file-b")
    await library.add("file-a", document("a blue sea"))
    assert files(await retrieval.search(search(library, "fox"))) == ["file-c"]
    assert files(await retrieval.search(search(library, "sea"))) == ["file-a"]
    await library.remove("file-a")
    await library.remove("file-c")
    assert not await retrieval.search(search(library, "fox"))


async def test_attributes_that_change_are_seen_without_reading_anything_again(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    assert isinstance(library.blobs, CountingBlobs)
    retrieval = retrieval_of(library)
    key = await library.add("file-a", document("red fox", lang="en"))
    filters = pb.SearchFilter(type=pb.SEARCH_FILTER_TYPE_EQ, key="lang")
    filters.value.text = "de"
    assert not await retrieval.search(search(library, "fox", filters=filters))
    library.blobs.reads.clear()
    row = await _row(library, "file-a")
    await library.put("file-a", row.body, document("red fox", lang="de"))
    assert files(await retrieval.search(search(library, "fox", filters=filters))) == ["file-a"]
    assert library.blobs.reads == [key]  # its text


async def _row(library: Library, id: str) -> Any:
    from understudy_server.store import tables

    return await tables.vector_files.get(library.store, library.partition, id, fresh=True)


async def test_files_that_are_not_done_are_not_found(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    from understudy_server.vectors.counting import IN_PROGRESS

    await library.add("file-a", document("red fox"))
    row = await _row(library, "file-a")
    row.body.file.status = IN_PROGRESS
    row.body.ClearField("segment")
    await library.put("file-a", row.body, document("red fox"))
    assert not await retrieval_of(library).search(search(library, "fox"))


async def test_a_segment_that_went_away_is_passed_over(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    keys = [await library.add(f"file-{n}", document(f"red fox {n}")) for n in range(4)]
    await library.blobs.delete(keys[1])
    retrieval = retrieval_of(library)
    with capture_logs() as logs:
        found = files(await retrieval.search(search(library, "fox")))
    assert found == ["file-0", "file-2", "file-3"]
    assert [line["key"] for line in logs if line["event"] == "segment_gone"] == [keys[1]]
    # Between the ranking and the text of a result, too; the next one takes its place.
    other = retrieval_of(library)
    await other.search(search(library, "nothing"))
    await library.blobs.delete(keys[0])
    with capture_logs():
        assert files(await other.search(search(library, "fox", limit=2))) == ["file-2", "file-3"]


async def test_bytes_that_are_no_segment_are_passed_over_and_reported(
    library: Library, retrieval_of: Callable[..., EmbeddedRetrieval]
) -> None:
    async def oops() -> AsyncIterator[bytes]:
        yield b"\xff\xff"

    key = await library.add("file-a", document("red fox"))
    await library.add("file-b", document("red fox"))
    await library.blobs.write(key, oops())
    with capture_logs() as logs:
        assert files(await retrieval_of(library).search(search(library, "fox"))) == ["file-b"]
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["segment_broken"]


async def test_stores_of_other_projects_and_ids_do_not_mix(
    retrieval_of: Callable[..., EmbeddedRetrieval],
) -> None:
    first = Library()
    second = Library(first.store, first.blobs, id="vs_2")
    await first.add("file-a", document("red fox"))
    await second.add("file-b", document("red fox"))
    retrieval = retrieval_of(first)
    assert files(await retrieval.search(search(first, "fox"))) == ["file-a"]
    assert files(await retrieval.search(search(second, "fox"))) == ["file-b"]
