import json
from typing import Any

import openai
import pytest

from tests.e2e.covering import covers
from tests.e2e.python.reading import message_of
from tests.upstream.threaded import ThreadedUpstream

_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def _thread(client: Any, *script: dict[str, Any]) -> Any:
    text = f"scripted:{json.dumps(script)}"
    return client.beta.threads.create(messages=[{"role": "user", "content": text}])


@covers("beta.threads.runs.cancel", "beta.threads.runs.poll")
def test_a_running_run(
    client: Any, assistant: Any, marker: str, upstream: ThreadedUpstream
) -> None:
    runs = client.beta.threads.runs
    thread = _thread(client, {"gate": marker}, {"say": "too late"})
    run = runs.create(thread.id, assistant_id=assistant.id)
    upstream.reached(marker)
    assert runs.cancel(run.id, thread_id=thread.id).status in {"cancelling", "cancelled"}
    done = runs.poll(run.id, thread_id=thread.id)
    assert (done.status, done.expires_at) == ("cancelled", None)
    assert done.cancelled_at >= done.created_at
    with pytest.raises(openai.BadRequestError, match="Cannot cancel run with status 'cancelled'"):
        runs.cancel(run.id, thread_id=thread.id)
    client.beta.threads.messages.create(thread.id, role="user", content="unlocked")


@covers("beta.threads.runs.cancel", "beta.threads.runs.stream")
def test_a_streaming_run_keeps_what_it_had_said(client: Any, assistant: Any) -> None:
    thread = _thread(client, {"say": ["begun"]}, {"stall": True})
    runs = client.beta.threads.runs
    names = []
    with runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        for event in stream:
            names.append(event.event)
            if event.event == "thread.message.delta":
                runs.cancel(stream.current_run.id, thread_id=thread.id)
        run = stream.get_final_run()
        (message,) = stream.get_final_messages()
    assert run.status == "cancelled"
    assert names[-4:] == [
        "thread.run.cancelling",
        "thread.message.incomplete",
        "thread.run.step.cancelled",
        "thread.run.cancelled",
    ]
    assert (message.status, message.incomplete_details.reason) == ("incomplete", "run_cancelled")
    assert message.content[0].text.value == "begun"


@covers("beta.threads.runs.cancel")
def test_a_waiting_run(client: Any, model: str) -> None:
    assistant = client.beta.assistants.create(model=model, tools=[_TOOL])
    thread = _thread(client, {"call": "f"})
    runs = client.beta.threads.runs
    run = runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert run.status == "requires_action"
    runs.cancel(run.id, thread_id=thread.id)
    done = runs.poll(run.id, thread_id=thread.id)
    assert (done.status, done.required_action) == ("cancelled", None)
    (step,) = runs.steps.list(run.id, thread_id=thread.id)
    assert step.status == "cancelled"


@covers("beta.threads.runs.cancel")
def test_a_completed_run(client: Any, assistant: Any, greeted: Any) -> None:
    runs = client.beta.threads.runs
    run = runs.create_and_poll(thread_id=greeted.id, assistant_id=assistant.id)
    with pytest.raises(openai.BadRequestError) as caught:
        runs.cancel(run.id, thread_id=greeted.id)
    assert message_of(caught) == "Cannot cancel run with status 'completed'."
