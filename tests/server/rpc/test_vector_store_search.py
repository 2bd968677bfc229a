"""SearchVectorStore: what is refused, and what reaches the search."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.server.retrieval.library import FakeModels, document
from tests.server.vectors.world import PROJECT, Place, caller, open_place
from understudy.v1 import vector_store_pb2
from understudy.v1 import vector_store_search_pb2 as pb
from understudy.v1.vector_store_file_pb2 import Attribute
from understudy_server.errors import InvalidRequest, NotFound, StateConflict
from understudy_server.retrieval.embedded import EmbeddedRetrieval
from understudy_server.retrieval.rewriting import rewritten
from understudy_server.retrieval.segment import encode
from understudy_server.rpc.vector_store_search import VectorStoreSearch

Ask = Callable[..., Any]


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with open_place() as opened:
        yield opened


@pytest.fixture
async def ask(place: Place) -> AsyncIterator[Ask]:
    """Searches; the fields of the request as keywords."""
    shared = place.rooms.shared
    retrieval = EmbeddedRetrieval(
        store=shared.store, blobs=shared.blobs, models=FakeModels(), memory=1 << 24
    )
    rpc = VectorStoreSearch(shared, retrieval)

    async def search(store_id: str, query: Any = "fox", **fields: Any) -> Any:
        asked = pb.SearchQuery(text=query) if isinstance(query, str) else query
        request = pb.SearchVectorStoreRequest(vector_store_id=store_id, query=asked, **fields)
        return await rpc.search(caller(), request)

    yield search
    await retrieval.close()


async def filled(place: Place, **texts: str) -> str:
    """A store with a file for each text, called as its keyword."""
    store_id = await place.store()
    for name, text in texts.items():
        file_id = await place.file(f"{name}.txt", id=f"file-{name}")
        attributes = {"name": Attribute(text=name)}
        await place.add(store_id, file_id, attributes=attributes)
        found = document(text)
        await place.complete(store_id, file_id)
        # What was put there is a segment without chunks.
        await _put_segment(place, store_id, file_id, encode(found.text, found.bounds))
    return store_id


async def _put_segment(place: Place, store_id: str, file_id: str, content: bytes) -> None:
    from understudy_server.store import tables

    partition = tables.vector_store_partition(PROJECT, store_id)
    row = await tables.vector_files.get(place.memory, partition, file_id, fresh=True)
    assert row is not None

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    await place.rooms.shared.blobs.write(row.body.segment.key, chunks())


def eq(key: str, value: str) -> pb.SearchFilter:
    return pb.SearchFilter(
        type=pb.SEARCH_FILTER_TYPE_EQ, key=key, value=pb.SearchFilterValue(text=value)
    )


async def test_results_have_every_field(place: Place, ask: Ask) -> None:
    store_id = await filled(place, a="red fox", b="blue sea")
    answer = await ask(store_id)
    (result,) = answer.data
    assert list(answer.search_query) == ["fox"]
    assert not answer.has_more
    assert (result.file_id, result.filename) == ("file-a", "a.txt")
    assert 0 < result.score <= 1
    assert result.attributes["name"].text == "a"
    (content,) = result.content
    assert (content.type, content.text) == (1, "red fox")


async def test_ten_results_unless_another_number_is_asked_for(place: Place, ask: Ask) -> None:
    store_id = await filled(place, **{f"f{n}": f"fox {n}" for n in range(12)})
    assert len((await ask(store_id)).data) == 10
    assert len((await ask(store_id, max_num_results=3)).data) == 3
    assert len((await ask(store_id, max_num_results=50)).data) == 12


async def test_filters_threshold_and_ranker_are_honoured(place: Place, ask: Ask) -> None:
    store_id = await filled(place, a="red fox", b="red fox and much else that is not asked for")
    assert [each.file_id for each in (await ask(store_id, filters=eq("name", "b"))).data] == [
        "file-b"
    ]
    options = pb.SearchRankingOptions(ranker=pb.SEARCH_RANKER_NONE, score_threshold=1.0)
    assert not (await ask(store_id, ranking_options=options)).data


async def test_several_questions_are_joined(place: Place, ask: Ask) -> None:
    store_id = await filled(place, a="red fox", b="blue sea", c="green tea")
    query = pb.SearchQuery(list=pb.SearchQueries(texts=["fox", "sea"]))
    answer = await ask(store_id, query)
    assert list(answer.search_query) == ["fox", "sea"]
    assert sorted(each.file_id for each in answer.data) == ["file-a", "file-b"]


async def test_a_rewritten_question_is_shown(place: Place, ask: Ask) -> None:
    store_id = await filled(place, a="what is it", b="the return policy")
    answer = await ask(store_id, "What is the return policy?", rewrite_query=True)
    assert list(answer.search_query) == ["return policy"]
    assert [each.file_id for each in answer.data] == ["file-b"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How do I reverse a list in Python?", "reverse list Python"),
        ("What's the woodchuck's weight?", "woodchuck's weight"),
        ("who are you?", "who are you?"),
        ("Wie groß ist der Mond?", "Wie groß ist der Mond"),
        ("GPT-4.1 or o3-mini?", "GPT-4.1 o3-mini"),
        ("???", "???"),
    ],
)
def test_rewriting(question: str, expected: str) -> None:
    assert rewritten(question) == expected


def both(*filters: pb.SearchFilter) -> pb.SearchFilter:
    return pb.SearchFilter(type=pb.SEARCH_FILTER_TYPE_AND, filters=filters)


NO_VALUE = pb.SearchFilter(type=pb.SEARCH_FILTER_TYPE_EQ, key="a")
NO_LIST = pb.SearchFilter(
    type=pb.SEARCH_FILTER_TYPE_IN, key="a", value=pb.SearchFilterValue(text="x")
)
NOT_FINITE = pb.SearchFilter(
    type=pb.SEARCH_FILTER_TYPE_GT, key="a", value=pb.SearchFilterValue(number=float("nan"))
)


@pytest.mark.parametrize(
    ("filters", "param", "reason", "message"),
    [
        (
            both(NO_VALUE),
            "filters.filters[0].value",
            "MISSING_REQUIRED_PARAMETER",
            "Missing required parameter: 'filters.filters[0].value'.",
        ),
        (
            both(),
            "filters.filters",
            "EMPTY_ARRAY",
            (
                "Invalid 'filters.filters': empty array. Expected an array with minimum length 1, but got"
                " an empty array instead."
            ),
        ),
        (
            both(eq("a", "b"), NO_LIST),
            "filters.filters[1].value",
            "INVALID_TYPE",
            "Invalid type for 'filters.filters[1].value': expected an array for this type of filter.",
        ),
        (
            NOT_FINITE,
            "filters.value",
            "INVALID_VALUE",
            "Invalid 'filters.value': a number that is not finite.",
        ),
        (
            pb.SearchFilter(type=pb.SEARCH_FILTER_TYPE_OR, key="a"),
            "filters.key",
            "UNKNOWN_PARAMETER",
            "Unknown parameter: 'filters.key'.",
        ),
    ],
)
async def test_a_filter_that_makes_no_sense(
    ask: Ask, filters: pb.SearchFilter, param: str, reason: str, message: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await ask("vs_1", filters=filters)
    assert (caught.value.param, caught.value.reason) == (param, reason)
    assert caught.value.message == message


async def test_a_question_without_anything_in_it(ask: Ask) -> None:
    with pytest.raises(InvalidRequest, match="Invalid 'query': empty string"):
        await ask("vs_1", " ")
    with pytest.raises(InvalidRequest) as caught:
        await ask("vs_1", pb.SearchQuery(list=pb.SearchQueries(texts=["a", ""])))
    assert caught.value.param == "query[1]"


async def test_stores_that_are_not_there(place: Place, ask: Ask) -> None:
    with pytest.raises(NotFound, match="No vector store found with id 'vs_1'"):
        await ask("vs_1")
    with pytest.raises(InvalidRequest, match="begins with 'vs'"):
        await ask("store")
    store_id = await filled(place, a="red fox")
    await place.delete_store(store_id)
    with pytest.raises(NotFound):
        await ask(store_id)


async def test_a_search_counts_as_use_at_most_once_a_minute_and_an_expired_store_is_refused(
    place: Place, ask: Ask
) -> None:
    days = vector_store_pb2.VectorStoreExpirationAfter(
        anchor=vector_store_pb2.VECTOR_STORE_EXPIRATION_ANCHOR_LAST_ACTIVE_AT, days=1
    )
    store_id = await place.store(expires_after=days)
    made = (await place.shown(store_id)).last_active_at
    await place.clock.advance(59)
    await ask(store_id)
    assert (await place.shown(store_id)).last_active_at == made
    await place.clock.advance(1)
    await ask(store_id)
    shown = await place.shown(store_id)
    assert shown.last_active_at == made + 60
    assert shown.expires_at == made + 60 + 86_400
    await place.clock.advance(86_401)
    with pytest.raises(StateConflict, match=f"Vector store '{store_id}' has expired"):
        await ask(store_id)
