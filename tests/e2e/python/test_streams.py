import json
from typing import Any

import openai
import pytest

from tests.e2e.covering import covers
from tests.e2e.python.reading import answer
from tests.upstream.threaded import ThreadedUpstream

_PLAIN = [
    "thread.run.created",
    "thread.run.queued",
    "thread.run.in_progress",
    "thread.run.step.created",
    "thread.run.step.in_progress",
    "thread.message.created",
    "thread.message.in_progress",
    "thread.message.delta",
    "thread.message.completed",
    "thread.run.step.completed",
    "thread.run.completed",
]


def _names(events: list[Any]) -> list[str]:
    """The events' names, deltas that follow each other counted once."""
    names = [event.event for event in events]
    return [name for at, name in enumerate(names) if at == 0 or name != names[at - 1]]


def _texts(events: list[Any]) -> str:
    deltas = [event.data for event in events if event.event == "thread.message.delta"]
    return "".join(part.text.value for delta in deltas for part in delta.delta.content)


@covers("beta.threads.runs.create")
def test_the_raw_events_of_a_run(client: Any, assistant: Any, greeted: Any) -> None:
    stream = client.beta.threads.runs.create(greeted.id, assistant_id=assistant.id, stream=True)
    events = list(stream)
    assert _names(events) == _PLAIN
    assert _texts(events) == "echo: hello" == answer(client, greeted.id)
    assert events[-1].data.usage.total_tokens == 12


@covers("beta.threads.create_and_run")
def test_the_raw_events_of_a_new_thread(client: Any, assistant: Any) -> None:
    stream = client.beta.threads.create_and_run(
        assistant_id=assistant.id,
        thread={"messages": [{"role": "user", "content": "new"}]},
        stream=True,
    )
    events = list(stream)
    assert _names(events) == ["thread.created", *_PLAIN]
    assert events[0].data.id == events[1].data.thread_id
    assert _texts(events) == "echo: new"


@covers("beta.threads.runs.stream")
def test_the_stream_helper_gathers_what_it_sees(client: Any, assistant: Any, greeted: Any) -> None:
    with client.beta.threads.runs.stream(thread_id=greeted.id, assistant_id=assistant.id) as stream:
        assert "".join(stream.text_deltas) == "echo: hello"
        run = stream.get_final_run()
        (message,) = stream.get_final_messages()
        (step,) = stream.get_final_run_steps()
    assert run.status == "completed"
    assert (message.status, message.content[0].text.value) == ("completed", "echo: hello")
    assert step.step_details.message_creation.message_id == message.id
    assert client.beta.threads.runs.retrieve(run.id, thread_id=greeted.id) == run
    assert client.beta.threads.messages.retrieve(message.id, thread_id=greeted.id) == message


@covers("beta.threads.create_and_run_stream")
def test_the_stream_helper_with_a_new_thread(client: Any, assistant: Any) -> None:
    thread = {"messages": [{"role": "user", "content": "new"}]}
    with client.beta.threads.create_and_run_stream(
        assistant_id=assistant.id, thread=thread
    ) as stream:
        stream.until_done()
        assert stream.get_final_messages()[0].content[0].text.value == "echo: new"


@covers("beta.threads.runs.create_and_stream")
def test_the_old_name_of_the_stream_helper(client: Any, assistant: Any, greeted: Any) -> None:
    with client.beta.threads.runs.create_and_stream(
        thread_id=greeted.id, assistant_id=assistant.id
    ) as stream:
        assert stream.get_final_run().status == "completed"


@covers("beta.threads.runs.stream", "beta.threads.runs.poll")
def test_a_run_goes_on_without_its_client(
    client: Any, assistant: Any, thread: Any, marker: str, upstream: ThreadedUpstream
) -> None:
    script = json.dumps([{"say": ["begun "]}, {"gate": marker}, {"say": ["and ended"]}])
    client.beta.threads.messages.create(thread.id, role="user", content=f"scripted:{script}")
    with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        for event in stream:
            if event.event == "thread.message.delta":
                break
        run_id = stream.current_run.id
    upstream.release(marker)
    assert client.beta.threads.runs.poll(run_id, thread_id=thread.id).status == "completed"
    assert answer(client, thread.id) == "begun and ended"


@covers("beta.threads.runs.stream")
def test_deltas_come_while_the_model_speaks(
    client: Any, assistant: Any, thread: Any, marker: str, upstream: ThreadedUpstream
) -> None:
    script = json.dumps([{"say": ["begun "]}, {"gate": marker}, {"say": ["and ended"]}])
    client.beta.threads.messages.create(thread.id, role="user", content=f"scripted:{script}")
    with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        deltas = iter(stream.text_deltas)
        assert next(deltas) == "begun "
        upstream.release(marker)
        assert "".join(deltas) == "and ended"


@covers("beta.threads.runs.create")
@pytest.mark.parametrize(
    ("script", "answered"),
    [
        ([{"quirks": ["single_bytes"]}, {"say": "ein Gruß 世界 🎉"}], "ein Gruß 世界 🎉"),
        ([{"quirks": ["crlf", "comments"]}, {"say": "a b c"}], "a b c"),
        # Slowly enough for heartbeats in between.
        ([{"tokens": 3, "every": 0.3}], " token0 token1 token2"),
        ([{"tokens": 200}], "".join(f" token{number}" for number in range(200))),
        (
            [{"say": ["line\n\nevent: done\ndata: [DONE]\n\n"]}],
            "line\n\nevent: done\ndata: [DONE]\n\n",
        ),
    ],
)
def test_text_arrives_as_it_was_said(
    client: Any, assistant: Any, thread: Any, script: list[Any], answered: str
) -> None:
    text = f"scripted:{json.dumps(script)}"
    client.beta.threads.messages.create(thread.id, role="user", content=text)
    events = list(
        client.beta.threads.runs.create(thread.id, assistant_id=assistant.id, stream=True)
    )
    assert _texts(events) == answered == answer(client, thread.id)


@covers("beta.threads.runs.create", "beta.threads.runs.stream")
def test_what_is_wrong_is_told_before_the_stream(client: Any, assistant: Any, greeted: Any) -> None:
    with pytest.raises(openai.NotFoundError):
        client.beta.threads.runs.create(greeted.id, assistant_id="asst_x", stream=True)
    with (
        pytest.raises(openai.BadRequestError) as caught,
        client.beta.threads.runs.stream(
            thread_id=greeted.id, assistant_id=assistant.id, temperature=3
        ),
    ):
        pass
    assert caught.value.param == "temperature"
