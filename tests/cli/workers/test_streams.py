"""Streams and runs while workers come and go."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import httpx2
import openai
import pytest

from tests.cli.workers.crew import Crew, wait_until
from tests.servers import KEY, start
from tests.upstream.threaded import ThreadedUpstream

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:The Assistants API is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:deprecated$:DeprecationWarning"),
]

Begin: TypeAlias = Callable[..., Crew]

# Each try says something and then waits at the gate, until that is opened for good.
_SCRIPT = [{"say": ["begun "]}, {"gate": "GATE"}, {"say": ["and ended"]}]


@pytest.fixture
def client(stack: ExitStack) -> Callable[[str], Any]:
    def connect(url: str) -> Any:
        return stack.enter_context(openai.OpenAI(base_url=url, api_key=KEY))

    return connect


def begin_run(client: Any, marker: str) -> Any:
    """The SDK's stream of a run that waits at the gate ``marker``."""
    text = "scripted:" + json.dumps(_SCRIPT).replace("GATE", marker)
    assistant = client.beta.assistants.create(model="responses/m")
    thread = client.beta.threads.create(messages=[{"role": "user", "content": text}])
    return client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id)


def kill_each(crew: Crew) -> None:
    """Whichever has the run, it loses it."""
    for number in (1, 2):
        crew.kill(number)


def restart_each(crew: Crew) -> None:
    crew.parent.popen.send_signal(signal.SIGHUP)
    for number in (1, 2):
        crew.wait_for(number, 2)


@pytest.mark.parametrize(
    ("strike", "address"), [(kill_each, "unix:core.sock"), (restart_each, "127.0.0.1:0")]
)
def test_a_stream_goes_on_when_the_workers_of_its_core_do_not(
    crew: Begin,
    client: Callable[[str], Any],
    strike: Callable[[Crew], None],
    address: str,
    tmp_path: Path,
    variables: dict[str, str],
    upstream: ThreadedUpstream,
    marker: str,
    stack: ExitStack,
) -> None:
    cores = crew("core", "--workers", "2", "--grpc", address, UNDERSTUDY_GRACE="0.1")
    edge = start(["edge", "--core", cores.parent.facts["gRPC"]], tmp_path, variables)
    stack.callback(edge.kill)

    names = []
    with begin_run(client(edge.facts["REST"]), marker) as stream:
        for event in stream:
            names.append(event.event)
            if event.event == "thread.message.delta" and names.count(event.event) == 1:
                strike(cores)
                upstream.release(marker)
        run = stream.get_final_run()
        messages = stream.get_final_messages()
    assert (run.status, names[-1]) == ("completed", "thread.run.completed")
    assert messages[-1].content[0].text.value == "begun and ended"
    edge.terminate()
    cores.parent.terminate()


def test_a_run_goes_on_when_its_worker_does_not(
    crew: Begin,
    client: Callable[[str], Any],
    upstream: ThreadedUpstream,
    marker: str,
) -> None:
    server = crew("serve", "--workers", "2")
    url = server.parent.facts["REST"]
    connected = client(url)
    run_id = thread_id = ""
    with (
        pytest.raises((openai.APIConnectionError, httpx2.HTTPError)),
        begin_run(connected, marker) as stream,
    ):
        for event in stream:
            if event.event == "thread.run.created":
                run_id, thread_id = event.data.id, event.data.thread_id
            if event.event == "thread.message.delta":
                kill_each(server)
    upstream.release(marker)
    # What the client has not seen, it can still read, from the worker that there is now.
    with httpx2.Client(timeout=None) as http:
        answer = http.get(
            f"{url}/threads/{thread_id}/runs/{run_id}/events",
            headers={"Authorization": f"Bearer {KEY}", "OpenAI-Beta": "assistants=v2"},
        )
    assert answer.text.count("event: thread.run.completed\n") == 1
    run = connected.beta.threads.runs.retrieve(run_id, thread_id=thread_id)
    assert run.status == "completed"
    server.parent.terminate()


@pytest.mark.parametrize("end", ["parent", "worker"])
def test_what_fits_the_grace_period_is_finished(
    end: str,
    crew: Begin,
    client: Callable[[str], Any],
    upstream: ThreadedUpstream,
    marker: str,
) -> None:
    server = crew("serve", "--workers", "2", UNDERSTUDY_GRACE="3600")
    names = []
    with begin_run(client(server.parent.facts["REST"]), marker) as stream:
        for event in stream:
            names.append(event.event)
            if event.event == "thread.message.delta" and names.count(event.event) == 1:
                if end == "parent":
                    server.parent.popen.send_signal(signal.SIGTERM)
                else:
                    for number in (1, 2):
                        os.kill(server.pids(number)[0], signal.SIGTERM)
                upstream.release(marker)
    assert names[-1] == "thread.run.completed"
    if end == "worker":
        for number in (1, 2):
            server.wait_for(number, 2)
        server.parent.popen.send_signal(signal.SIGTERM)
    assert server.parent.popen.wait() == 0
    assert [line["status"] for line in server.events("worker_ended")] == [0, 0] * (end == "worker")


def test_a_second_signal_ends_all_at_once(
    crew: Begin,
    client: Callable[[str], Any],
    marker: str,
) -> None:
    server = crew("serve", "--workers", "2", UNDERSTUDY_GRACE="3600")
    with (
        pytest.raises((openai.APIConnectionError, httpx2.HTTPError)),
        begin_run(client(server.parent.facts["REST"]), marker) as stream,
    ):
        for event in stream:
            if event.event == "thread.message.delta":
                server.parent.popen.send_signal(signal.SIGTERM)
                wait_until(lambda: bool(server.events("workers_stop")), "it has begun to stop")
                server.parent.popen.send_signal(signal.SIGTERM)
    assert server.parent.popen.wait() == -signal.SIGTERM
    server.wait_until_gone()
