"""Embeddings of a provider: what is sent, what is tried again, what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.models.fakes import InstantClock
from tests.upstream import Drop, Fail, Gate, Raw, ScriptedUpstream, Stall
from tests.upstream.embeddings_rules import vector
from understudy_server.embeddings.remote import RemoteEmbeddings
from understudy_server.errors import EmbeddingError


def expected(*texts: str, dimensions: int = 64) -> Any:
    rows = np.array([vector(text, dimensions) for text in texts])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


async def test_vectors_come_in_the_order_of_the_texts_and_with_length_1(
    embeddings: RemoteEmbeddings, upstream: ScriptedUpstream
) -> None:
    found = await embeddings.embed(["red fox", "blue sea"], of="passage")
    assert embeddings.name == "acme/embed-3"
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected("red fox", "blue sea"), atol=1e-6)
    (exchange,) = upstream.exchanges
    assert exchange.body == {
        "model": "embed-3",
        "input": ["red fox", "blue sea"],
        "encoding_format": "base64",
    }
    assert exchange.headers["authorization"] == f"Bearer {upstream.api_key}"


async def test_no_texts_are_no_request(
    embeddings: RemoteEmbeddings, upstream: ScriptedUpstream
) -> None:
    assert len(await embeddings.embed([], of="passage")) == 0
    assert not upstream.exchanges


async def test_dimensions_are_asked_for(
    embeddings_of: Callable[..., RemoteEmbeddings], upstream: ScriptedUpstream
) -> None:
    found = await embeddings_of(dimensions=16).embed(["red fox"], of="query")
    assert found.shape == (1, 16)
    assert upstream.exchanges[0].body["dimensions"] == 16


async def test_other_dimensions_than_those_asked_for_are_no_vectors(
    embeddings_of: Callable[..., RemoteEmbeddings], upstream: ScriptedUpstream
) -> None:
    upstream.queue_embeddings(Raw(json.dumps({"data": [{"embedding": [1.0, 0.0]}]})))
    with pytest.raises(EmbeddingError, match="2 dimensions came where 16 were expected"):
        await embeddings_of(dimensions=16).embed(["red fox"], of="query")


async def test_many_texts_go_in_portions(
    embeddings: RemoteEmbeddings, upstream: ScriptedUpstream
) -> None:
    texts = [f"word{n}" for n in range(300)]
    found = await embeddings.embed(texts, of="passage")
    np.testing.assert_allclose(found, expected(*texts), atol=1e-6)
    assert sorted(len(each.body["input"]) for each in upstream.exchanges) == [44, 128, 128]


async def test_only_some_requests_are_made_at_a_time_and_questions_do_not_wait_for_them(
    embeddings: RemoteEmbeddings, upstream: ScriptedUpstream
) -> None:
    for _ in range(3):
        upstream.queue_embeddings(Gate("slow"))
    file = asyncio.create_task(embeddings.embed(["x"] * 128 * 6, of="passage"))
    await upstream.exchange(2)
    assert len(await embeddings.embed(["a question"], of="query")) == 1
    assert len(upstream.exchanges) == 4
    upstream.release("slow")
    assert len(await file) == 128 * 6
    assert len(upstream.exchanges) == 7


@pytest.mark.parametrize(
    ("failure", "delay"),
    [
        (Fail(500), 0.5),
        (Fail(429, code="rate_limit_exceeded", retry_after=7), 7.0),
        (Drop(), 0.5),
    ],
)
async def test_what_passes_is_tried_again(
    embeddings: RemoteEmbeddings,
    upstream: ScriptedUpstream,
    clock: InstantClock,
    failure: Fail | Drop,
    delay: float,
) -> None:
    upstream.queue_embeddings(failure)
    assert len(await embeddings.embed(["red fox"], of="query")) == 1
    assert clock.slept == [delay]


async def test_a_file_waits_longer_than_a_question(
    embeddings: RemoteEmbeddings, upstream: ScriptedUpstream, clock: InstantClock
) -> None:
    upstream.queue_embeddings(Fail(429, retry_after=60))
    with pytest.raises(EmbeddingError, match="Scripted failure"):
        await embeddings.embed(["red fox"], of="query")
    upstream.queue_embeddings(Fail(429, retry_after=60))
    assert len(await embeddings.embed(["red fox"], of="passage")) == 1
    assert clock.slept == [60.0]


async def test_a_refused_key_is_explained_without_it(
    embeddings_of: Callable[..., RemoteEmbeddings], upstream: ScriptedUpstream
) -> None:
    with pytest.raises(EmbeddingError) as caught:
        await embeddings_of(api_key="wrong-key-42").embed(["red fox"], of="passage")
    assert caught.value.message.startswith("The model provider 'acme' refused the API key (401)")
    assert "wrong-key-42" not in caught.value.message
    assert len(upstream.exchanges) == 1


async def test_a_provider_that_is_not_there(
    embeddings_of: Callable[..., RemoteEmbeddings], clock: InstantClock
) -> None:
    gone = embeddings_of(base_url="http://127.0.0.1:1/v1")
    with pytest.raises(EmbeddingError, match="could not be reached"):
        await gone.embed(["red fox"], of="query")
    assert len(clock.slept) == 2


async def test_a_provider_that_falls_silent(
    embeddings_of: Callable[..., RemoteEmbeddings], upstream: ScriptedUpstream
) -> None:
    upstream.queue_embeddings(Stall())
    with pytest.raises(EmbeddingError, match="stopped answering"):
        await embeddings_of(stall_timeout=0.1).embed(["red fox"], of="query")


async def test_whoever_leaves_closes_the_connection(
    embeddings: RemoteEmbeddings, upstream: ScriptedUpstream
) -> None:
    upstream.queue_embeddings(Gate("never"))
    task = asyncio.create_task(embeddings.embed(["red fox"], of="query"))
    await upstream.reached("never")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await (await upstream.exchange(0)).disconnected.wait()


async def test_numbers_instead_of_base64_where_that_is_refused(
    embeddings: RemoteEmbeddings, upstream: ScriptedUpstream
) -> None:
    upstream.queue_embeddings(Fail(400, "Unknown parameter: 'encoding_format'."))
    found = await embeddings.embed(["red fox"], of="query")
    np.testing.assert_allclose(found, expected("red fox"), atol=1e-6)
    await embeddings.embed(["red fox"], of="query")
    assert ["encoding_format" in each.body for each in upstream.exchanges] == [True, False, False]


async def test_a_text_that_is_too_long_is_cut_and_the_others_are_not(
    embeddings: RemoteEmbeddings, upstream: ScriptedUpstream
) -> None:
    long = "a " * 12_000
    found = await embeddings.embed(["red fox", long, "blue sea"], of="passage")
    np.testing.assert_allclose(found, expected("red fox", "a " * 6_000, "blue sea"), atol=1e-6)
    sent = [text for each in upstream.exchanges for text in each.body["input"]]
    assert min(len(text) for text in sent if text.startswith("a ")) == 12_000


async def test_smaller_portions_where_the_provider_takes_fewer_texts(
    embeddings: RemoteEmbeddings, upstream: ScriptedUpstream
) -> None:
    upstream.queue_embeddings(Fail(400, "The batch size is invalid, it should be at most 10."))
    texts = [f"word{n}" for n in range(20)]
    np.testing.assert_allclose(
        await embeddings.embed(texts, of="passage"), expected(*texts), atol=1e-6
    )
    await embeddings.embed(texts, of="passage")
    assert [len(each.body["input"]) for each in upstream.exchanges] == [20, 10, 10, 10, 10]


async def test_texts_that_providers_refuse_are_sent_as_something_else(
    embeddings: RemoteEmbeddings, upstream: ScriptedUpstream
) -> None:
    assert len(await embeddings.embed(["", " \n", "a\ud800b"], of="passage")) == 3
    assert upstream.exchanges[0].body["input"] == ["-", "-", "a?b"]


def row(*numbers: object, **fields: object) -> dict[str, object]:
    return {"object": "embedding", "embedding": numbers[0] if numbers else None, **fields}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "0 vectors for 2 texts"),
        ([row([1.0])], "1 vectors for 2 texts"),
        ([row([1.0], index=0), row([1.0], index=0)], "not numbered"),
        ([row([1.0], index=0), row([1.0], index=2)], "not numbered"),
        ([row([1.0], index=0), row([1.0], index=True)], "not numbered"),
        ([row([1.0]), row([1.0, 2.0])], "different lengths"),
        ([row([1.0]), row([])], "empty vector"),
        ([row([1.0]), row()], "no vector"),
        ([row([1.0]), row(["1.0"])], "no vector"),
        ([row([1.0]), row("not base64!")], "cannot be read"),
        ([row([1.0]), row("AAA=")], "cannot be read"),
        ([row([1.0]), row([0.0])], "zeros"),
        ([row([1.0]), row([1e300])], "not finite"),
        ([row([1.0]), row("AADAfw==")], "not finite"),
        ("oops", "0 vectors"),
    ],
)
async def test_what_is_not_vectors(
    embeddings: RemoteEmbeddings, upstream: ScriptedUpstream, data: object, words: str
) -> None:
    upstream.queue_embeddings(Raw(json.dumps({"data": data})))
    with pytest.raises(EmbeddingError, match=words):
        await embeddings.embed(["a", "b"], of="query")
    assert len(upstream.exchanges) == 1


@pytest.mark.parametrize("body", ["", "[]", "{", "null"])
async def test_what_is_not_even_json(
    embeddings: RemoteEmbeddings, upstream: ScriptedUpstream, body: str
) -> None:
    upstream.queue_embeddings(Raw(body))
    with pytest.raises(EmbeddingError, match="not understood"):
        await embeddings.embed(["a"], of="query")


async def test_vectors_in_another_order(
    embeddings: RemoteEmbeddings, upstream: ScriptedUpstream
) -> None:
    data = [row([0.0, 2.0], index=1), row([3.0, 0.0], index=0)]
    upstream.queue_embeddings(Raw(json.dumps({"data": data})))
    found = await embeddings.embed(["a", "b"], of="query")
    assert found.tolist() == [[1.0, 0.0], [0.0, 1.0]]
