"""What the SDK's event handlers gather, and show of it: in the middle and in the end."""

import json
from typing import Any

from tests.e2e.conftest import Clients
from tests.e2e.covering import covers
from tests.e2e.python.hearing import Heard, recorder
from tests.e2e.python.reading import answer
from tests.upstream.threaded import ThreadedUpstream

_HELLO = {"say": ["Hel", "lo"]}

# An event is shown before it counts: name, the run's status, the step's type, the message's text.
_KNOWN: Heard = [
    ("run.created", None, None, None),
    ("run.queued", "queued", None, None),
    ("run.in_progress", "queued", None, None),
    ("run.step.created", "in_progress", None, None),
    ("run.step.in_progress", "in_progress", "message_creation", None),
    ("message.created", "in_progress", "message_creation", None),
    ("message.in_progress", "in_progress", "message_creation", ""),
    ("message.delta", "in_progress", "message_creation", ""),
    ("message.delta", "in_progress", "message_creation", "Hel"),
    ("message.completed", "in_progress", "message_creation", "Hello"),
    ("run.step.completed", "in_progress", "message_creation", "Hello"),
    ("run.completed", "in_progress", None, "Hello"),
]


def _prepared(client: Any, model: str, *steps: dict[str, Any]) -> dict[str, str]:
    assistant = client.beta.assistants.create(model=model)
    message = {"role": "user", "content": f"scripted:{json.dumps(steps)}"}
    thread = client.beta.threads.create(messages=[message])
    return {"thread_id": thread.id, "assistant_id": assistant.id}


@covers(
    "AssistantEventHandler.current_event",
    "AssistantEventHandler.current_run",
    "AssistantEventHandler.current_run_step_snapshot",
    "AssistantEventHandler.current_message_snapshot",
    "beta.threads.runs.stream",
)
def test_what_a_handler_knows_while_it_hears(clients: Clients, client: Any, model: str) -> None:
    heard: Heard = []

    def look(event: Any) -> None:
        step, message = handler.current_run_step_snapshot, handler.current_message_snapshot
        assert handler.current_event == event
        heard.append(
            (
                event.event.removeprefix("thread."),
                handler.current_run and handler.current_run.status,
                step and step.type,
                message and "".join(part.text.value for part in message.content),
            )
        )

    handler = recorder(clients.kind, [], on_event=look)
    run = _prepared(client, model, _HELLO)
    with client.beta.threads.runs.stream(**run, event_handler=handler) as stream:
        stream.until_done()
        assert (stream.current_event, stream.current_run.status) == (None, "completed")
    assert heard == _KNOWN


@covers("AssistantEventHandler.close", "beta.threads.runs.stream", "beta.threads.runs.poll")
def test_a_stream_is_closed_and_its_run_goes_on(
    client: Any, model: str, marker: str, upstream: ThreadedUpstream
) -> None:
    run = _prepared(client, model, {"gate": marker}, _HELLO)
    with client.beta.threads.runs.stream(**run) as stream:
        next(iter(stream))
        begun = stream.current_run
        stream.close()
    upstream.release(marker)
    done = client.beta.threads.runs.poll(begun.id, thread_id=begun.thread_id)
    assert (done.status, answer(client, begun.thread_id)) == ("completed", "Hello")


@covers(
    "AssistantEventHandler.get_final_run",
    "AssistantEventHandler.get_final_run_steps",
    "AssistantEventHandler.get_final_messages",
    "AssistantEventHandler.text_deltas",
    "AssistantEventHandler.until_done",
    "beta.threads.runs.stream",
)
def test_what_a_stream_has_gathered_in_the_end(client: Any, model: str) -> None:
    run = _prepared(client, model, _HELLO)
    with client.beta.threads.runs.stream(**run) as stream:
        assert list(stream.text_deltas) == ["Hel", "lo"]
        stream.until_done()
        done = stream.get_final_run()
        (step,) = stream.get_final_run_steps()
        (message,) = stream.get_final_messages()
    inside = {"thread_id": done.thread_id}
    assert client.beta.threads.runs.retrieve(done.id, **inside) == done
    stored = client.beta.threads.runs.steps.retrieve(step.id, run_id=done.id, **inside)
    # The SDK keeps a step as it was created.
    assert (stored.type, stored.step_details) == (step.type, step.step_details)
    assert client.beta.threads.messages.retrieve(message.id, **inside) == message
