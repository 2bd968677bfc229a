"""What of a conversation reaches the model."""

import base64
from typing import Any

import openai
import pytest

from tests.e2e.covering import covers
from tests.e2e.python.reading import answer, only_request, sent_texts
from tests.upstream.threaded import ThreadedUpstream


@covers("beta.threads.runs.create_and_poll", "beta.threads.messages.create")
def test_earlier_turns_are_remembered(
    client: Any, assistant: Any, thread: Any, marker: str, upstream: ThreadedUpstream
) -> None:
    for text in ("first", "second", marker):
        client.beta.threads.messages.create(thread.id, role="user", content=text)
        client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert answer(client, thread.id) == f"echo: {marker}"
    assert sent_texts(only_request(upstream, marker)) == [
        ("user", "first"),
        ("assistant", "echo: first"),
        ("user", "second"),
        ("assistant", "echo: second"),
        ("user", marker),
    ]


@covers("beta.threads.runs.create_and_poll")
def test_instructions_of_the_assistant_and_of_the_run(
    client: Any, model: str, marker: str, upstream: ThreadedUpstream
) -> None:
    assistant = client.beta.assistants.create(model=model, instructions="Be brief.")
    for options, told in (
        (dict[str, str](), ["Be brief."]),
        ({"instructions": "Be long."}, ["Be long."]),
        ({"additional_instructions": "Rhyme."}, ["Be brief.", "Rhyme."]),
    ):
        said = f"{marker} {told}"
        thread = client.beta.threads.create(messages=[{"role": "user", "content": said}])
        client.beta.threads.runs.create_and_poll(
            thread_id=thread.id, assistant_id=assistant.id, **options
        )
        ((role, text), asked) = sent_texts(only_request(upstream, said))
        assert role == "system"
        assert [part for part in told if part in text] == told
        assert ("Be brief." in text) == ("Be brief." in told)
        assert asked == ("user", said)


@covers("beta.threads.runs.create_and_poll", "beta.threads.messages.list")
def test_additional_messages_are_stored_and_sent(
    client: Any, assistant: Any, greeted: Any, marker: str, upstream: ThreadedUpstream
) -> None:
    client.beta.threads.runs.create_and_poll(
        thread_id=greeted.id,
        assistant_id=assistant.id,
        additional_messages=[
            {"role": "assistant", "content": "Hello to you."},
            {"role": "user", "content": marker, "metadata": {"added": "yes"}},
        ],
    )
    assert sent_texts(only_request(upstream, marker)) == [
        ("user", "hello"),
        ("assistant", "Hello to you."),
        ("user", marker),
    ]
    listed = client.beta.threads.messages.list(greeted.id, order="asc").data
    assert [message.content[0].text.value for message in listed] == [
        "hello",
        "Hello to you.",
        marker,
        f"echo: {marker}",
    ]
    assert listed[2].metadata == {"added": "yes"}


@covers("beta.threads.create_and_run_poll")
def test_only_what_the_user_set_is_sent(
    client: Any, assistant: Any, marker: str, upstream: ThreadedUpstream
) -> None:
    thread = {"messages": [{"role": "user", "content": marker}]}
    client.beta.threads.create_and_run_poll(assistant_id=assistant.id, thread=thread)
    body = only_request(upstream, marker)
    assert body["model"] == "scripted-model"
    assert not body.keys() & {"temperature", "top_p", "tools", "tool_choice", "response_format"}
    assert not body.keys() & {"max_output_tokens", "max_completion_tokens", "metadata"}


@covers("beta.threads.create_and_run_poll")
def test_what_the_user_set_is_sent(
    client: Any, assistant: Any, marker: str, upstream: ThreadedUpstream
) -> None:
    client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id,
        thread={"messages": [{"role": "user", "content": marker}]},
        model=f"{assistant.model.partition('/')[0]}/gpt-4o",
        temperature=0.25,
        top_p=0.5,
        response_format={"type": "json_object"},
        max_completion_tokens=500,
    )
    body = only_request(upstream, marker)
    assert (body["model"], body["temperature"], body["top_p"]) == ("gpt-4o", 0.25, 0.5)
    assert 500 in (body.get("max_output_tokens"), body.get("max_completion_tokens"))
    assert "json_object" in str(body.get("response_format", body.get("text")))


@covers("beta.threads.create_and_run_poll")
def test_images_are_sent_on(
    client: Any, assistant: Any, marker: str, upstream: ThreadedUpstream
) -> None:
    url = f"https://example.com/{marker}.png"
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": url, "detail": "high"}},
    ]
    run = client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": content}]}
    )
    assert run.status == "completed"
    body = only_request(upstream, marker)
    (item,) = body["input"] if "input" in body else body["messages"]
    assert item["content"][1] in (
        {"type": "input_image", "image_url": url, "detail": "high"},
        {"type": "image_url", "image_url": {"url": url, "detail": "high"}},
    )


@covers("beta.threads.create_and_run_poll", "files.create", "beta.threads.messages.create")
def test_images_that_are_files_are_sent_on(
    client: Any, assistant: Any, marker: str, upstream: ThreadedUpstream
) -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
    image, text = (
        client.files.create(file=("a.png", content), purpose="vision").id
        for content in (png, b"no image")
    )
    content = [
        {"type": "text", "text": marker},
        {"type": "image_file", "image_file": {"file_id": image, "detail": "low"}},
        {"type": "image_file", "image_file": {"file_id": text}},
    ]
    run = client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": content}]}
    )
    assert run.status == "completed"
    body = only_request(upstream, marker)
    (item,) = body["input"] if "input" in body else body["messages"]
    url = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    assert item["content"][1] in (
        {"type": "input_image", "image_url": url, "detail": "low"},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
    )
    assert item["content"][2]["text"] == (
        f"[The image {text} cannot be shown: the file is not a PNG, JPEG, GIF or WebP image.]"
    )
    said = client.beta.threads.messages.list(run.thread_id, order="asc").data[0].content
    assert (said[1].image_file.file_id, said[1].image_file.detail) == (image, "low")
    with pytest.raises(openai.NotFoundError, match="file-absent"):
        client.beta.threads.messages.create(
            run.thread_id,
            role="user",
            content=[{"type": "image_file", "image_file": {"file_id": "file-absent"}}],
        )


@covers("beta.threads.runs.create_and_poll")
def test_the_demo_model_needs_no_upstream(client: Any) -> None:
    assistant = client.beta.assistants.create(model="demo/demo")
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "I am Ada."}])
    client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert "I am Ada." in answer(client, thread.id)
