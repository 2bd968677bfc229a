from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.e2e.covering import covers


@covers("beta.threads.create", "beta.threads.retrieve")
def test_an_empty_thread(client: Any) -> None:
    made = client.beta.threads.create()
    assert made.id.startswith("thread_")
    assert (made.object, made.metadata) == ("thread", {})
    assert client.beta.threads.retrieve(made.id) == made


@covers("beta.threads.create", "beta.threads.messages.list")
def test_initial_messages_keep_their_order(client: Any) -> None:
    said = ["one", "two", "three"]
    thread = client.beta.threads.create(
        messages=[{"role": "user", "content": text, "metadata": {"n": text}} for text in said],
        metadata={"topic": "counting"},
    )
    listed = client.beta.threads.messages.list(thread.id, order="asc").data
    assert thread.metadata == {"topic": "counting"}
    assert [message.content[0].text.value for message in listed] == said
    assert [message.metadata["n"] for message in listed] == said


@covers("beta.threads.update", "beta.threads.retrieve")
def test_metadata_is_replaced_and_cleared(client: Any) -> None:
    thread = client.beta.threads.create(metadata={"a": "1"})
    assert client.beta.threads.update(thread.id, metadata={"b": "2"}).metadata == {"b": "2"}
    assert client.beta.threads.update(thread.id).metadata == {"b": "2"}
    assert client.beta.threads.update(thread.id, metadata=None).metadata == {}
    assert client.beta.threads.retrieve(thread.id).metadata == {}


@covers("beta.threads.delete", "beta.threads.retrieve", "beta.threads.messages.list")
def test_a_deleted_thread_takes_its_messages_along(client: Any) -> None:
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "hi"}])
    message = client.beta.threads.messages.list(thread.id).data[0]
    deleted = client.beta.threads.delete(thread.id)
    assert deleted.to_dict() == {"id": thread.id, "object": "thread.deleted", "deleted": True}
    calls: list[Callable[[], object]] = [
        lambda: client.beta.threads.retrieve(thread.id),
        lambda: client.beta.threads.delete(thread.id),
        lambda: client.beta.threads.messages.list(thread.id),
        lambda: client.beta.threads.messages.retrieve(message.id, thread_id=thread.id),
        lambda: client.beta.threads.messages.create(thread.id, role="user", content="hi"),
    ]
    for call in calls:
        with pytest.raises(openai.NotFoundError, match=f"No thread found with id '{thread.id}'"):
            call()
