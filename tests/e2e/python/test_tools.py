"""Function tools: the model calls, the client answers."""

import json
from typing import Any

import openai
import pytest

from tests.e2e.covering import covers
from tests.e2e.python.reading import answer, message_of
from tests.upstream.threaded import ThreadedUpstream

_WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
_CALLS = [
    {"call": "weather", "arguments": {"city": "Rome"}},
    {"call": "weather", "arguments": {"city": "Oslo"}},
]


@pytest.fixture
def assistant(client: Any, model: str) -> Any:
    return client.beta.assistants.create(model=model, tools=[_WEATHER])


def _thread(client: Any, *rounds: list[dict[str, Any]]) -> Any:
    """A thread whose next run plays a script for each round of calls."""
    text = f"scripted:{json.dumps(list(rounds))}"
    return client.beta.threads.create(messages=[{"role": "user", "content": text}])


def _outputs(run: Any) -> list[dict[str, str]]:
    """An answer to each call that the run waits for."""
    return [
        {
            "tool_call_id": call.id,
            "output": f"{json.loads(call.function.arguments)['city']} is sunny",
        }
        for call in run.required_action.submit_tool_outputs.tool_calls
    ]


@covers("beta.threads.runs.create_and_poll", "beta.threads.runs.submit_tool_outputs_and_poll")
def test_calls_are_answered(client: Any, assistant: Any) -> None:
    thread = _thread(client, _CALLS)
    runs = client.beta.threads.runs
    run = runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert (run.status, run.usage) == ("requires_action", None)
    calls = run.required_action.submit_tool_outputs.tool_calls
    assert [json.loads(call.function.arguments)["city"] for call in calls] == ["Rome", "Oslo"]
    assert [call.function.name for call in calls] == ["weather", "weather"]
    assert all(call.id.startswith("call_") for call in calls)

    done = runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=thread.id, tool_outputs=_outputs(run)
    )
    assert (done.status, done.required_action) == ("completed", None)
    assert done.usage.total_tokens == 24
    assert answer(client, thread.id) == "tools said: Rome is sunny, Oslo is sunny"
    spoke, called = runs.steps.list(run.id, thread_id=thread.id)
    assert (spoke.type, called.type) == ("message_creation", "tool_calls")
    assert [call.function.output for call in called.step_details.tool_calls] == [
        "Rome is sunny",
        "Oslo is sunny",
    ]


@covers("beta.threads.runs.submit_tool_outputs", "beta.threads.runs.poll")
def test_several_rounds_of_calls(client: Any, assistant: Any) -> None:
    thread = _thread(client, _CALLS[:1], _CALLS[1:], [{"say": "It is sunny."}])
    runs = client.beta.threads.runs
    run = runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    for _ in range(2):
        assert run.status == "requires_action"
        queued = runs.submit_tool_outputs(run.id, thread_id=thread.id, tool_outputs=_outputs(run))
        assert (queued.status, queued.required_action) == ("queued", None)
        run = runs.poll(run.id, thread_id=thread.id)
    assert run.status == "completed"
    assert answer(client, thread.id) == "It is sunny."


@covers("beta.threads.runs.stream", "beta.threads.runs.submit_tool_outputs_stream")
def test_streamed_calls_and_answers(client: Any, assistant: Any) -> None:
    thread = _thread(client, _CALLS)
    with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        names = [event.event for event in stream]
        run = stream.get_final_run()
        (step,) = stream.get_final_run_steps()
    assert names[-1] == "thread.run.requires_action"
    assert run.status == "requires_action"
    waited_for = run.required_action.submit_tool_outputs.tool_calls
    shown = step.step_details.tool_calls
    assert [(c.id, c.function.arguments) for c in shown] == [
        (c.id, c.function.arguments) for c in waited_for
    ]

    with client.beta.threads.runs.submit_tool_outputs_stream(
        run_id=run.id, thread_id=thread.id, tool_outputs=_outputs(run)
    ) as stream:
        events = list(stream)
        (message,) = stream.get_final_messages()
    assert [event.event for event in events[:3]] == [
        "thread.run.step.completed",
        "thread.run.queued",
        "thread.run.in_progress",
    ]
    outputs = [call.function.output for call in events[0].data.step_details.tool_calls]
    assert outputs == ["Rome is sunny", "Oslo is sunny"]
    assert message.content[0].text.value == "tools said: Rome is sunny, Oslo is sunny"
    assert events[-1].event == "thread.run.completed"


@covers("beta.threads.runs.submit_tool_outputs")
def test_raw_events_after_tool_outputs(client: Any, assistant: Any) -> None:
    thread = _thread(client, _CALLS)
    runs = client.beta.threads.runs
    run = runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    stream = runs.submit_tool_outputs(
        run.id, thread_id=thread.id, tool_outputs=_outputs(run), stream=True
    )
    names = [event.event for event in stream]
    assert (names[0], names[-1]) == ("thread.run.step.completed", "thread.run.completed")


@covers("beta.threads.runs.submit_tool_outputs")
def test_outputs_that_do_not_fit(client: Any, assistant: Any) -> None:
    thread = _thread(client, _CALLS)
    runs = client.beta.threads.runs
    run = runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    outputs = _outputs(run)
    ids = [output["tool_call_id"] for output in outputs]
    for given, listed in (
        (outputs[:1], ids[:1]),
        ([*outputs, {"tool_call_id": "call_x", "output": ""}], [*ids, "call_x"]),
    ):
        with pytest.raises(openai.BadRequestError) as caught:
            runs.submit_tool_outputs(run.id, thread_id=thread.id, tool_outputs=given)
        assert message_of(caught) == (f"Expected tool outputs for call_ids {ids}, got {listed}")
    done = runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=thread.id, tool_outputs=outputs
    )
    assert done.status == "completed"
    # The same again is the answer to a retry; something else comes too late.
    assert runs.submit_tool_outputs(run.id, thread_id=thread.id, tool_outputs=outputs).id == run.id
    with pytest.raises(openai.BadRequestError, match='Runs in status "completed" do not accept'):
        runs.submit_tool_outputs(
            run.id, thread_id=thread.id, tool_outputs=[{"tool_call_id": "call_x", "output": "y"}]
        )


@covers("beta.threads.runs.create_and_poll")
def test_a_waiting_run_locks_its_thread(client: Any, assistant: Any) -> None:
    thread = _thread(client, _CALLS)
    client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    with pytest.raises(openai.BadRequestError, match="already has an active run"):
        client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)


@covers("beta.threads.runs.create_and_poll")
def test_the_tools_reach_the_model(
    client: Any, assistant: Any, marker: str, upstream: ThreadedUpstream
) -> None:
    thread = client.beta.threads.create(messages=[{"role": "user", "content": marker}])
    client.beta.threads.runs.create_and_poll(
        thread_id=thread.id,
        assistant_id=assistant.id,
        parallel_tool_calls=False,
        tool_choice={"type": "function", "function": {"name": "weather"}},
    )
    (asked,) = upstream.asked(marker)
    (tool,) = asked.body["tools"]
    assert tool.get("name", tool.get("function", {}).get("name")) == "weather"
    assert asked.body["parallel_tool_calls"] is False
    assert "weather" in str(asked.body["tool_choice"])


@covers("beta.threads.runs.create")
@pytest.mark.parametrize("kind", ["code_interpreter", "file_search"])
def test_tools_that_are_not_there_are_refused_by_name(client: Any, greeted: Any, kind: str) -> None:
    assistant = client.beta.assistants.create(model="demo/demo", tools=[{"type": kind}])
    with pytest.raises(openai.BadRequestError) as caught:
        client.beta.threads.runs.create(greeted.id, assistant_id=assistant.id)
    assert caught.value.param == "tools[0].type"
