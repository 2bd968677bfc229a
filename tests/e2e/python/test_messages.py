from typing import Any

import openai
import pytest

from tests.e2e.covering import covers


@covers("beta.threads.messages.create", "beta.threads.messages.retrieve")
def test_a_text(client: Any, thread: Any) -> None:
    made = client.beta.threads.messages.create(
        thread.id, role="user", content="Grüße, 世界", metadata={"k": "v"}
    )
    assert made.id.startswith("msg_")
    assert (made.thread_id, made.role, made.status) == (thread.id, "user", "completed")
    assert (made.assistant_id, made.run_id, made.attachments) == (None, None, [])
    assert [part.to_dict() for part in made.content] == [
        {"type": "text", "text": {"value": "Grüße, 世界", "annotations": []}}
    ]
    assert client.beta.threads.messages.retrieve(made.id, thread_id=thread.id) == made


@covers("beta.threads.messages.create")
def test_parts_and_images(client: Any, thread: Any) -> None:
    made = client.beta.threads.messages.create(
        thread.id,
        role="user",
        content=[
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            {
                "type": "image_url",
                "image_url": {"url": "https://example.com/b.png", "detail": "low"},
            },
        ],
    )
    assert [part.type for part in made.content] == ["text", "image_url", "image_url"]
    assert [part.image_url.detail for part in made.content[1:]] == ["auto", "low"]


@covers("beta.threads.messages.create")
def test_an_assistant_message_of_the_user(client: Any, thread: Any) -> None:
    made = client.beta.threads.messages.create(thread.id, role="assistant", content="I said so.")
    assert (made.role, made.assistant_id, made.run_id) == ("assistant", None, None)


@covers("beta.threads.messages.update", "beta.threads.messages.retrieve")
def test_metadata_is_replaced_and_cleared(client: Any, thread: Any) -> None:
    messages = client.beta.threads.messages
    made = messages.create(thread.id, role="user", content="hi", metadata={"a": "1"})
    updated = messages.update(made.id, thread_id=thread.id, metadata={"b": "2"})
    assert updated.metadata == {"b": "2"}
    assert messages.update(made.id, thread_id=thread.id, metadata=None).metadata == {}
    assert messages.retrieve(made.id, thread_id=thread.id).content == made.content


@covers("beta.threads.messages.delete", "beta.threads.messages.retrieve")
def test_a_deleted_message_is_gone(client: Any, thread: Any) -> None:
    messages = client.beta.threads.messages
    kept = messages.create(thread.id, role="user", content="kept")
    made = messages.create(thread.id, role="user", content="gone")
    deleted = messages.delete(made.id, thread_id=thread.id)
    assert deleted.to_dict() == {
        "id": made.id,
        "object": "thread.message.deleted",
        "deleted": True,
    }
    with pytest.raises(openai.NotFoundError, match=f"No message found with id '{made.id}'"):
        messages.retrieve(made.id, thread_id=thread.id)
    assert [message.id for message in messages.list(thread.id)] == [kept.id]


@covers("beta.threads.messages.list")
def test_a_thread_is_paged_through_to_the_end_in_both_directions(client: Any) -> None:
    count = 23
    thread = client.beta.threads.create(
        messages=[{"role": "user", "content": str(number)} for number in range(count)]
    )
    messages = client.beta.threads.messages

    def texts(page: Any) -> list[int]:
        return [int(message.content[0].text.value) for message in page]

    assert texts(messages.list(thread.id, order="asc", limit=5)) == list(range(count))
    assert texts(messages.list(thread.id, limit=7)) == list(range(count))[::-1]
    first = messages.list(thread.id, order="asc")
    assert (len(first.data), first.has_more) == (20, True)
    assert (first.first_id, first.last_id) == (first.data[0].id, first.data[-1].id)
    second = first.get_next_page()
    assert (texts(second.data), second.has_more) == ([20, 21, 22], False)
    end = messages.list(thread.id, order="asc", after=second.data[-1].id)
    assert (end.data, end.first_id, end.last_id, end.has_more) == ([], None, None, False)
    before = messages.list(thread.id, order="asc", before=second.data[0].id, limit=2)
    assert (texts(before.data), before.has_more) == ([18, 19], True)


@covers("beta.threads.messages.list", "beta.threads.runs.create_and_poll")
def test_the_messages_of_one_run(client: Any, thread: Any, assistant: Any) -> None:
    answers = []
    for text in ("one", "two"):
        client.beta.threads.messages.create(thread.id, role="user", content=text)
        run = client.beta.threads.runs.create_and_poll(
            thread_id=thread.id, assistant_id=assistant.id
        )
        answers.append((run.id, f"echo: {text}"))
    for run_id, answer in answers:
        (message,) = client.beta.threads.messages.list(thread.id, run_id=run_id)
        assert message.content[0].text.value == answer
