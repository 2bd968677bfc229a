"""A conversation through the last 1.x of OpenAI's Python SDK; its observations go to stdout, as JSON.

``python scenario.py BASE_URL KEY MODEL``, with the Python that has that SDK. It checks nothing itself.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import openai

_TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def observe(client: Any, model: str) -> dict[str, Any]:
    return {
        "version": openai.__version__,
        "assistants": _assistants(client, model),
        "messages": _messages(client),
        "polled": _polled(client, model),
        "streamed": _streamed(client, model),
        "raw_events": _raw_events(client, model),
        "tools": _tools(client, model),
        "failed": _failed(client, model),
        "errors": _errors(client),
    }


def _assistants(client: Any, model: str) -> dict[str, Any]:
    made = client.beta.assistants.create(model=model, name="Ada", metadata={"a": "b"})
    updated = client.beta.assistants.update(made.id, name=None)
    again = client.beta.assistants.retrieve(made.id)
    newest = client.beta.assistants.list(limit=1).data[0]
    deleted = client.beta.assistants.delete(made.id)
    return {
        "name": made.name,
        "cleared": updated.name,
        "metadata": again.metadata,
        "is_newest": newest.id == made.id,
        "deleted": deleted.deleted,
    }


def _messages(client: Any) -> list[str]:
    thread = client.beta.threads.create(
        messages=[{"role": "user", "content": str(number)} for number in range(5)]
    )
    listed = client.beta.threads.messages.list(thread.id, limit=2, order="asc")
    return [message.content[0].text.value for message in listed]


def _polled(client: Any, model: str) -> dict[str, Any]:
    assistant = client.beta.assistants.create(model=model)
    run = client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "hello"}]}
    )
    client.beta.threads.messages.create(run.thread_id, role="user", content="again")
    second = client.beta.threads.runs.create_and_poll(
        thread_id=run.thread_id, assistant_id=assistant.id
    )
    (step,) = client.beta.threads.runs.steps.list(second.id, thread_id=run.thread_id)
    listed = client.beta.threads.messages.list(run.thread_id, order="asc")
    return {
        "statuses": [run.status, second.status],
        "tokens": second.usage.total_tokens,
        "step": step.type,
        "texts": [message.content[0].text.value for message in listed],
    }


def _streamed(client: Any, model: str) -> dict[str, Any]:
    assistant = client.beta.assistants.create(model=model)
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "hello"}])
    with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        text = "".join(stream.text_deltas)
        return {
            "text": text,
            "status": stream.get_final_run().status,
            "messages": [m.content[0].text.value for m in stream.get_final_messages()],
            "steps": [step.type for step in stream.get_final_run_steps()],
        }


def _raw_events(client: Any, model: str) -> list[str]:
    assistant = client.beta.assistants.create(model=model)
    script = 'scripted:[{"tokens": 3, "every": 0.3}]'  # slowly enough for heartbeats in between
    thread = client.beta.threads.create(messages=[{"role": "user", "content": script}])
    events = client.beta.threads.runs.create(thread.id, assistant_id=assistant.id, stream=True)
    names = [event.event for event in events]
    return [name for at, name in enumerate(names) if at == 0 or name != names[at - 1]]


def _tools(client: Any, model: str) -> dict[str, Any]:
    assistant = client.beta.assistants.create(model=model, tools=[_TOOL])
    script = 'scripted:[{"call": "weather", "arguments": {"city": "Rome"}}]'
    thread = client.beta.threads.create(messages=[{"role": "user", "content": script}])
    run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    with client.beta.threads.runs.submit_tool_outputs_stream(
        run_id=run.id,
        thread_id=thread.id,
        tool_outputs=[{"tool_call_id": call.id, "output": "sunny"}],
    ) as stream:
        text = "".join(stream.text_deltas)
        done = stream.get_final_run()
    return {
        "waits": run.status,
        "arguments": json.loads(call.function.arguments),
        "text": text,
        "ends": done.status,
    }


def _failed(client: Any, model: str) -> dict[str, Any]:
    assistant = client.beta.assistants.create(model=f"single-{model}")
    thread = client.beta.threads.create(
        messages=[{"role": "user", "content": 'scripted:[{"say": ["half"]}, {"drop": true}]'}]
    )
    with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        run = stream.get_final_run()
    return {"status": run.status, "code": run.last_error.code}


def _errors(client: Any) -> list[Any]:
    found: list[Any] = []
    for call in (
        lambda: client.beta.assistants.retrieve("asst_x"),
        lambda: client.beta.assistants.create(model="m", temperature=3),
        client.with_options(api_key="sk-wrong-00000").beta.threads.create,
    ):
        try:
            call()
        except openai.APIStatusError as error:
            found.append([type(error).__name__, error.param, error.code])
    return found


if __name__ == "__main__":
    base_url, key, model = sys.argv[1:]
    with openai.OpenAI(base_url=base_url, api_key=key) as client:
        json.dump(observe(client, model), sys.stdout)
