"""A core that goes away while a run is at work, in peace or not: the run ends as if nothing had been."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.servers import KEY, environment, start
from tests.upstream.threaded import ThreadedUpstream

# The first try says something and then waits at a gate of its own, the next finds it open.
_SCRIPT = [{"say": ["begun "]}, {"gate": "GATE"}, {"say": ["and ended"]}]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.timeout(600)
@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_the_stream_of_an_sdk_survives_its_core(
    end: str, tmp_path: Path, upstream: ThreadedUpstream, marker: str, stack: ExitStack
) -> None:
    # Beside the processes, which work in `tmp_path`: the path of a socket must be short.
    address = "unix:core.sock"
    variables = {
        **environment(tmp_path, upstream),
        "UNDERSTUDY_GRACE": "0.1",
        "UNDERSTUDY_GRPC": address,
        # A killed core's run is taken over when its lease has ended.
        "UNDERSTUDY_LEASE": "5",
        # However long a slow machine takes to start the second core.
        "UNDERSTUDY_RESUME": "3600",
    }
    core = start(["core"], tmp_path, variables)
    stack.callback(core.kill)
    edge = start(["edge", "--core", address], tmp_path, variables)
    stack.callback(edge.kill)
    client: Any = stack.enter_context(
        openai.OpenAI(base_url=edge.facts["REST"], api_key=KEY, max_retries=0)
    )
    text = "scripted:" + json.dumps(_SCRIPT).replace("GATE", marker)
    assistant = client.beta.assistants.create(model="responses/m")
    thread = client.beta.threads.create(messages=[{"role": "user", "content": text}])

    names = []
    with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        for event in stream:
            names.append(event.event)
            if event.event == "thread.message.delta" and core.popen.returncode is None:
                getattr(core, end)()
                upstream.release(marker)
                second = start(["core"], tmp_path, variables)
                stack.callback(second.kill)
        run = stream.get_final_run()
        messages = stream.get_final_messages()
    assert run.status == "completed"
    assert names.count("thread.message.created") == 2
    assert names.count("thread.message.incomplete") == 1
    assert names[-1] == "thread.run.completed"
    assert messages[-1].content[0].text.value == "begun and ended"
    (question, answer) = client.beta.threads.messages.list(thread.id, order="asc")
    assert (question.role, answer.id) == ("user", messages[-1].id)
    client.close()
    edge.terminate()
    second.terminate()
