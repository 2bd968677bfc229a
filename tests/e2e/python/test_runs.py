import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.e2e.covering import covers
from tests.e2e.python.reading import answer, message_of
from tests.upstream.threaded import ThreadedUpstream


@covers("beta.threads.runs.create", "beta.threads.runs.poll", "beta.threads.runs.retrieve")
def test_a_run_from_queued_to_completed(client: Any, assistant: Any, greeted: Any) -> None:
    run = client.beta.threads.runs.create(
        greeted.id, assistant_id=assistant.id, metadata={"why": "test"}
    )
    assert (run.id[:4], run.status, run.usage) == ("run_", "queued", None)
    assert run.expires_at == run.created_at + 600
    done = client.beta.threads.runs.poll(run.id, thread_id=greeted.id)
    assert (done.id, done.status, done.last_error) == (run.id, "completed", None)
    assert (done.expires_at, done.failed_at, done.cancelled_at) == (None, None, None)
    assert done.created_at <= done.started_at <= done.completed_at
    assert (done.model, done.metadata) == (assistant.model, {"why": "test"})
    assert (done.usage.prompt_tokens, done.usage.completion_tokens) == (7, 5)
    assert done.usage.total_tokens == 12
    assert client.beta.threads.runs.retrieve(run.id, thread_id=greeted.id) == done
    assert answer(client, greeted.id) == "echo: hello"


@covers("beta.threads.runs.create_and_poll", "beta.threads.messages.list")
def test_the_answer_belongs_to_its_run(client: Any, assistant: Any, greeted: Any) -> None:
    run = client.beta.threads.runs.create_and_poll(thread_id=greeted.id, assistant_id=assistant.id)
    message = client.beta.threads.messages.list(greeted.id).data[0]
    assert (message.run_id, message.assistant_id) == (run.id, assistant.id)
    assert (message.status, message.role) == ("completed", "assistant")
    assert message.content[0].text.annotations == []


@covers("beta.threads.runs.create_and_poll", "beta.threads.runs.retrieve")
def test_a_polled_run_says_when_to_ask_again(client: Any, assistant: Any, greeted: Any) -> None:
    run = client.beta.threads.runs.create_and_poll(thread_id=greeted.id, assistant_id=assistant.id)
    raw = client.beta.threads.runs.with_raw_response.retrieve(run.id, thread_id=greeted.id)
    assert raw.headers["openai-poll-after-ms"] == "20"


@covers("beta.threads.create_and_run", "beta.threads.runs.poll")
def test_create_thread_and_run(client: Any, assistant: Any) -> None:
    thread = {"messages": [{"role": "user", "content": "both"}], "metadata": {"a": "b"}}
    run = client.beta.threads.create_and_run(assistant_id=assistant.id, thread=thread)
    assert run.status == "queued"
    client.beta.threads.runs.poll(run.id, thread_id=run.thread_id)
    assert client.beta.threads.retrieve(run.thread_id).metadata == {"a": "b"}
    assert answer(client, run.thread_id) == "echo: both"


@covers("beta.threads.create_and_run_poll")
def test_create_thread_and_run_and_poll(client: Any, assistant: Any) -> None:
    run = client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "all"}]}
    )
    assert run.status == "completed"
    assert answer(client, run.thread_id) == "echo: all"


@covers("beta.threads.runs.steps.list", "beta.threads.runs.steps.retrieve")
def test_the_step_of_a_run(client: Any, assistant: Any, greeted: Any) -> None:
    run = client.beta.threads.runs.create_and_poll(thread_id=greeted.id, assistant_id=assistant.id)
    steps = client.beta.threads.runs.steps
    (step,) = steps.list(run.id, thread_id=greeted.id)
    message = client.beta.threads.messages.list(greeted.id).data[0]
    assert (step.id[:5], step.type, step.status) == ("step_", "message_creation", "completed")
    assert step.step_details.message_creation.message_id == message.id
    assert step.usage.to_dict() == run.usage.to_dict()
    assert steps.retrieve(step.id, run_id=run.id, thread_id=greeted.id) == step
    with pytest.raises(openai.NotFoundError, match="No run step found with id 'step_x'"):
        steps.retrieve("step_x", run_id=run.id, thread_id=greeted.id)


@covers("beta.threads.runs.list")
def test_runs_are_paged_through_in_both_directions(
    client: Any, assistant: Any, greeted: Any
) -> None:
    runs = client.beta.threads.runs
    made = [
        runs.create_and_poll(thread_id=greeted.id, assistant_id=assistant.id).id for _ in range(5)
    ]
    assert [run.id for run in runs.list(greeted.id, limit=2)] == made[::-1]
    assert [run.id for run in runs.list(greeted.id, limit=2, order="asc")] == made
    before = runs.list(greeted.id, order="asc", before=made[3], limit=2)
    assert [run.id for run in before.data] == made[1:3]


@covers("beta.threads.runs.update", "beta.threads.runs.retrieve")
def test_the_metadata_of_a_run(client: Any, assistant: Any, greeted: Any) -> None:
    runs = client.beta.threads.runs
    run = runs.create_and_poll(thread_id=greeted.id, assistant_id=assistant.id)
    updated = runs.update(run.id, thread_id=greeted.id, metadata={"seen": "yes"})
    assert (updated.metadata, updated.status) == ({"seen": "yes"}, "completed")
    assert runs.update(run.id, thread_id=greeted.id, metadata=None).metadata == {}
    assert runs.retrieve(run.id, thread_id=greeted.id).usage == run.usage


@covers("beta.threads.runs.create", "beta.threads.messages.create", "beta.threads.runs.poll")
def test_an_active_run_locks_its_thread(
    client: Any, assistant: Any, thread: Any, marker: str, upstream: ThreadedUpstream
) -> None:
    script = json.dumps([{"gate": marker}, {"say": "done"}])
    client.beta.threads.messages.create(thread.id, role="user", content=f"scripted:{script}")
    run = client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    upstream.reached(marker)

    with pytest.raises(openai.BadRequestError) as caught:
        client.beta.threads.messages.create(thread.id, role="user", content="too early")
    assert message_of(caught) == (
        f"Can't add messages to {thread.id} while a run {run.id} is active."
    )
    with pytest.raises(openai.BadRequestError) as caught:
        client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    assert message_of(caught) == (f"Thread {thread.id} already has an active run {run.id}.")
    # Reading and describing go on.
    assert client.beta.threads.messages.list(thread.id).data
    assert client.beta.threads.update(thread.id, metadata={"a": "b"}).metadata == {"a": "b"}

    upstream.release(marker)
    assert client.beta.threads.runs.poll(run.id, thread_id=thread.id).status == "completed"
    client.beta.threads.messages.create(thread.id, role="user", content="now")


@covers("beta.threads.runs.create", "beta.threads.runs.retrieve", "beta.threads.runs.list")
def test_what_is_not_there(client: Any, assistant: Any, greeted: Any) -> None:
    runs = client.beta.threads.runs
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: runs.create(greeted.id, assistant_id="asst_x"), "No assistant found with id 'as"),
        (lambda: runs.create("thread_x", assistant_id=assistant.id), "No thread found with id 'th"),
        (lambda: runs.list("thread_x"), "No thread found with id 'thread_x'"),
        (lambda: runs.retrieve("run_x", thread_id=greeted.id), "No run found with id 'run_x'"),
        (lambda: runs.cancel("run_x", thread_id=greeted.id), "No run found with id 'run_x'"),
    ]
    for call, message in calls:
        with pytest.raises(openai.NotFoundError, match=message):
            call()
