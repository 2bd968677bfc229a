"""Vector stores, as the SDK makes, fills, searches and deletes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.e2e.conftest import Clients
from tests.e2e.covering import covers

OWL = b"The owl sleeps through the day and hunts by night."
BREAD = b"Bread is baked of flour, water and salt."
COUNTS = {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0}
FAST = 20
"""Milliseconds between looks."""


@pytest.fixture
def store(client: Any) -> Any:
    return client.vector_stores.create()


def file_of(client: Any, content: bytes = OWL, name: str = "a.txt") -> str:
    return str(client.files.create(file=(name, content), purpose="assistants").id)


@covers(
    "vector_stores.create",
    "vector_stores.retrieve",
    "vector_stores.update",
    "vector_stores.delete",
)
def test_the_life_of_a_store(client: Any) -> None:
    made = client.vector_stores.create(
        name="Books",
        metadata={"k": "v"},
        expires_after={"anchor": "last_active_at", "days": 3},
    )
    assert re.fullmatch(r"vs_[0-9A-Za-z]{24}", made.id)
    assert made.to_dict() == {
        "id": made.id,
        "object": "vector_store",
        "created_at": made.created_at,
        "name": "Books",
        "description": None,
        "usage_bytes": 0,
        "file_counts": COUNTS,
        "status": "completed",
        "expires_after": {"anchor": "last_active_at", "days": 3},
        "expires_at": made.last_active_at + 3 * 24 * 3600,
        "last_active_at": made.created_at,
        "metadata": {"k": "v"},
    }
    assert client.vector_stores.retrieve(made.id) == made
    changed = client.vector_stores.update(made.id, name="Papers", expires_after=None, metadata={})
    assert (changed.name, changed.expires_after, changed.expires_at) == ("Papers", None, None)
    assert changed.metadata == {}
    deleted = client.vector_stores.delete(made.id)
    assert deleted.to_dict() == {
        "id": made.id,
        "object": "vector_store.deleted",
        "deleted": True,
    }
    calls: list[Callable[[], object]] = [
        lambda: client.vector_stores.retrieve(made.id),
        lambda: client.vector_stores.update(made.id, name="n"),
        lambda: client.vector_stores.delete(made.id),
        lambda: client.vector_stores.files.list(made.id).data,
    ]
    for call in calls:
        with pytest.raises(openai.NotFoundError, match="No vector store found with id"):
            call()


@covers("vector_stores.create", "vector_stores.files.poll", "vector_stores.files.list")
def test_a_store_that_begins_with_files(client: Any) -> None:
    ids = [file_of(client), file_of(client, BREAD)]
    strategy = {
        "type": "static",
        "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50},
    }
    made = client.vector_stores.create(file_ids=ids, chunking_strategy=strategy)
    assert made.file_counts.total == 2
    for id in ids:
        file = client.vector_stores.files.poll(id, vector_store_id=made.id, poll_interval_ms=FAST)
        assert (file.status, file.last_error) == ("completed", None)
        assert file.chunking_strategy.to_dict() == strategy
    listed = client.vector_stores.files.list(made.id, order="asc", filter="completed")
    assert [file.id for file in listed.data] == ids
    shown = client.vector_stores.retrieve(made.id)
    assert (shown.status, shown.file_counts.completed) == ("completed", 2)
    assert shown.usage_bytes == sum(file.usage_bytes for file in listed.data) > 0


@covers("vector_stores.list")
def test_pages_of_stores(clients: Clients) -> None:
    client = clients.open()
    made = {client.vector_stores.create(name=f"{number}").id for number in range(4)}
    # Two cores need not agree about the time to the millisecond, and so about the order.
    newest = [store.id for store in client.vector_stores.list(limit=100).data]
    assert made <= set(newest)
    page = client.vector_stores.list(limit=2, after=newest[0])
    assert [store.id for store in page.data] == newest[1:3]
    assert page.has_more
    page = client.vector_stores.list(before=newest[2], limit=1)
    assert [store.id for store in page.data] == [newest[1]]
    page = client.vector_stores.list(after=newest[2], order="asc")
    assert [store.id for store in page.data] == [newest[1], newest[0]]


@covers(
    "vector_stores.files.create",
    "vector_stores.files.retrieve",
    "vector_stores.files.update",
    "vector_stores.files.content",
    "vector_stores.files.delete",
)
def test_the_life_of_a_file_in_a_store(client: Any, store: Any) -> None:
    id = file_of(client)
    files = client.vector_stores.files
    added = files.create(store.id, file_id=id, attributes={"a": "x", "b": 2.5, "c": True})
    assert (added.id, added.vector_store_id) == (id, store.id)
    assert (added.object, added.status) == ("vector_store.file", "in_progress")
    assert added.attributes == {"a": "x", "b": 2.5, "c": True}
    done = files.poll(id, vector_store_id=store.id, poll_interval_ms=FAST)
    assert files.retrieve(id, vector_store_id=store.id) == done
    assert done.usage_bytes > 0
    changed = files.update(id, vector_store_id=store.id, attributes={"d": "y"})
    assert changed.attributes == {"d": "y"}
    assert files.update(id, vector_store_id=store.id, attributes=None).attributes == {}
    (part,) = files.content(id, vector_store_id=store.id).data
    assert (part.type, part.text) == ("text", OWL.decode())
    assert files.delete(id, vector_store_id=store.id).deleted
    with pytest.raises(openai.NotFoundError, match="in vector store"):
        files.retrieve(id, vector_store_id=store.id)
    assert client.files.retrieve(id).id == id


@covers(
    "vector_stores.files.create_and_poll",
    "vector_stores.files.upload",
    "vector_stores.files.upload_and_poll",
)
def test_helpers_that_add_files(client: Any, store: Any) -> None:
    files, place = client.vector_stores.files, {"vector_store_id": store.id}
    first = files.create_and_poll(
        file_of(client), **place, attributes={"n": "1"}, poll_interval_ms=FAST
    )
    assert (first.status, first.attributes) == ("completed", {"n": "1"})
    second = files.upload(**place, file=("b.md", BREAD))
    assert second.id != first.id
    third = files.upload_and_poll(**place, file=("c.html", b"<p>Hi</p>"), poll_interval_ms=FAST)
    assert third.status == "completed"
    files.poll(second.id, **place, poll_interval_ms=FAST)
    assert client.vector_stores.retrieve(store.id).file_counts.completed == 3


@covers("vector_stores.files.create_and_poll")
def test_a_file_that_cannot_be_read_fails(client: Any, store: Any) -> None:
    broken = file_of(client, b"%PDF-1.7 and no more", "a.pdf")
    file = client.vector_stores.files.create_and_poll(
        broken, vector_store_id=store.id, poll_interval_ms=FAST
    )
    assert file.status == "failed"
    assert file.last_error.code == "invalid_file"
    shown = client.vector_stores.retrieve(store.id)
    assert (shown.file_counts.failed, shown.status) == (1, "completed")


@covers("vector_stores.create", "vector_stores.files.create")
def test_refusals(client: Any, store: Any) -> None:
    table = file_of(client, b"a,b", "a.csv")
    with pytest.raises(openai.BadRequestError, match=r"extensions \[\.csv\]") as error:
        client.vector_stores.create(file_ids=[table])
    assert (error.value.code, error.value.param) == ("unsupported_file", "file_ids")
    with pytest.raises(openai.NotFoundError, match="were not found: file-x"):
        client.vector_stores.files.create(store.id, file_id="file-x")
    with pytest.raises(openai.BadRequestError, match="Expected a value <= 365"):
        client.vector_stores.create(expires_after={"anchor": "last_active_at", "days": 366})


@covers(
    "vector_stores.file_batches.create",
    "vector_stores.file_batches.retrieve",
    "vector_stores.file_batches.poll",
    "vector_stores.file_batches.list_files",
    "vector_stores.file_batches.cancel",
)
def test_the_life_of_a_batch(client: Any, store: Any) -> None:
    batches, place = client.vector_stores.file_batches, {"vector_store_id": store.id}
    ids = [file_of(client), file_of(client, BREAD)]
    made = batches.create(**place, file_ids=ids)
    assert re.fullmatch(r"vsfb_[0-9A-Za-z]{24}", made.id)
    assert (made.object, made.file_counts.total) == ("vector_store.files_batch", 2)
    done = batches.poll(made.id, **place, poll_interval_ms=FAST)
    assert (done.status, done.file_counts.completed) == ("completed", 2)
    assert batches.retrieve(made.id, **place) == done
    listed = batches.list_files(made.id, **place, order="asc", filter="completed")
    assert [file.id for file in listed.data] == ids
    with pytest.raises(openai.BadRequestError, match="with status 'completed'"):
        batches.cancel(made.id, **place)


@covers("vector_stores.file_batches.create_and_poll", "vector_stores.file_batches.upload_and_poll")
def test_helpers_that_add_files_together(client: Any, store: Any) -> None:
    batches, place = client.vector_stores.file_batches, {"vector_store_id": store.id}
    one = file_of(client)
    first = batches.create_and_poll(**place, file_ids=[one], poll_interval_ms=FAST)
    assert (first.status, first.file_counts.completed) == ("completed", 1)
    second = batches.upload_and_poll(
        **place, files=[("b.txt", BREAD), ("c.txt", OWL)], file_ids=[one], poll_interval_ms=FAST
    )
    assert (second.status, second.file_counts.completed) == ("completed", 3)
    own = batches.create(**place, files=[{"file_id": one, "attributes": {"k": "v"}}])
    assert own.file_counts.total == 1
    file = client.vector_stores.files.retrieve(one, vector_store_id=store.id)
    assert file.attributes == {"k": "v"}


@covers("vector_stores.search")
def test_searching(client: Any, store: Any) -> None:
    batches, place = client.vector_stores.file_batches, {"vector_store_id": store.id}
    owl, bread = file_of(client, OWL, "owl.txt"), file_of(client, BREAD, "bread.txt")
    new = [
        {"file_id": owl, "attributes": {"kind": "bird"}},
        {"file_id": bread, "attributes": {"kind": "food"}},
    ]
    batches.create_and_poll(**place, files=new, poll_interval_ms=FAST)
    best = client.vector_stores.search(store.id, query="an owl at night").data[0]
    assert (best.file_id, best.filename, best.attributes) == (owl, "owl.txt", {"kind": "bird"})
    assert [part.text for part in best.content] == [OWL.decode()]
    assert 0 <= best.score <= 1
    food = {"type": "eq", "key": "kind", "value": "food"}
    found = client.vector_stores.search(store.id, query=["flour", "owl"], filters=food)
    assert {result.file_id for result in found.data} == {bread}
    client.files.delete(owl)
    found = client.vector_stores.search(store.id, query="an owl at night")
    assert owl not in {result.file_id for result in found.data}
    shown = client.vector_stores.retrieve(store.id)
    assert shown.file_counts.to_dict() == {**COUNTS, "completed": 1, "total": 1}


@covers("vector_stores.retrieve", "vector_stores.files.list")
def test_stores_that_come_with_other_objects(client: Any) -> None:
    owl, bread = file_of(client), file_of(client, BREAD)
    resources = {"file_search": {"vector_stores": [{"file_ids": [owl], "metadata": {"k": "v"}}]}}
    assistant = client.beta.assistants.create(model="demo/demo", tool_resources=resources)
    (own,) = assistant.tool_resources.file_search.vector_store_ids
    shown = client.vector_stores.retrieve(own)
    assert (shown.metadata, shown.expires_after) == ({"k": "v"}, None)
    attached = [{"file_id": bread, "tools": [{"type": "file_search"}]}]
    message = {"role": "user", "content": "Hi", "attachments": attached}
    thread = client.beta.threads.create(messages=[message], tool_resources=resources)
    (store,) = thread.tool_resources.file_search.vector_store_ids
    assert client.vector_stores.retrieve(store).expires_after.days == 7
    listed = client.vector_stores.files.list(store)
    assert {file.id for file in listed.data} == {owl, bread}
