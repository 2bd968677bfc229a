"""`--workers` as a user meets it: real processes, the real SDK."""

from __future__ import annotations

import fcntl
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import openai
import pytest

from tests.cli.workers.crew import Crew, wait_until
from tests.servers import KEY

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:The Assistants API is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:deprecated$:DeprecationWarning"),
]

Begin: TypeAlias = Callable[..., Crew]

_PROGRAM = Path(sys.executable).with_name("understudy")


def converse(url: str, key: str, *, name: str = "Ada") -> str:
    """Two questions to the demo model, each request over a connection of its own; the second answer."""
    answer = ""
    http = openai.DefaultHttpxClient(headers={"Connection": "close"})
    with openai.OpenAI(base_url=url, api_key=key, max_retries=0, http_client=http) as client:
        assistant = client.beta.assistants.create(model="demo/demo")
        thread = client.beta.threads.create()
        for text in (f"Hello! My name is {name}.", "What is my name?"):
            client.beta.threads.messages.create(thread.id, role="user", content=text)
            stream: Any = client.beta.threads.runs.stream(
                thread_id=thread.id, assistant_id=assistant.id
            )
            with stream as events:
                answer = "".join(events.text_deltas)
    return answer


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_one_port_and_one_store_for_all(crew: Begin, tmp_path: Path, end: signal.Signals) -> None:
    started = crew("serve", "--workers", "2", UNDERSTUDY_API_KEYS="")
    facts = started.parent.facts
    assert facts["workers"] == "2"
    assert facts["store"] == f"sqlite:///{tmp_path}/data/understudy.db?shared=true"
    assert len(set(facts["gRPC"].split(","))) == 2
    assert started.parent.popen.stdout is not None
    first = started.parent.popen.stdout.readline().split()
    assert first[0] == "key"
    for name in ("Ada", "Grace"):
        assert converse(facts["REST"], first[1], name=name) == f"Your name is {name}."
    [listed] = re.findall("first key", _output("keys", "list", data=tmp_path / "data"))
    assert listed == "first key"

    served = {line.get("worker") for line in started.events("request")}
    assert served
    assert served <= {1, 2}
    started.parent.popen.send_signal(end)
    assert started.parent.popen.wait() == 0
    assert started.parent.popen.stdout.read().count("sk-understudy-") == 0
    assert started.events("workers_ended")[-1]["statuses"] == [0, 0]
    started.wait_until_gone()


def _output(*arguments: str, data: Path) -> str:
    return subprocess.run(
        [str(_PROGRAM), *arguments],
        env={"UNDERSTUDY_DATA": str(data), "UNDERSTUDY_WORKERS": "2"},
        cwd=data,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_a_worker_that_is_killed_is_replaced(crew: Begin) -> None:
    started = crew("serve", "--workers", "2")
    addresses = [line["grpc"] for line in started.events("worker_serves")]
    for number in (1, 2):
        started.kill(number)
        assert converse(started.parent.facts["REST"], KEY) == "Your name is Ada."
    ended = started.events("worker_ended")
    assert [(line["worker"], line["status"]) for line in ended] == [(1, -9), (2, -9)]
    again = [line["grpc"] for line in started.events("worker_serves")]
    assert again == addresses * 2
    started.parent.terminate()


def test_workers_end_with_a_parent_that_is_killed(crew: Begin, tmp_path: Path) -> None:
    started = crew("serve", "--workers", "2")
    url = started.parent.facts["REST"]
    started.parent.kill()
    started.wait_until_gone()
    with pytest.raises(openai.APIConnectionError):
        converse(url, KEY)
    # The store is free too, for one that does not share it.
    alone = crew("serve", UNDERSTUDY_WORKERS="1")
    assert alone.parent.facts["store"] == f"sqlite:///{tmp_path}/data/understudy.db"
    alone.parent.terminate()


def _refused(variables: dict[str, str], folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [str(_PROGRAM), *arguments],
        env=variables,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_store_that_cannot_be_shared_is_refused(
    variables: dict[str, str], tmp_path: Path
) -> None:
    refused = _refused(variables, tmp_path, "core", "--workers", "2", "--store", "memory://")
    assert refused[0] == 2
    assert refused[1].startswith("understudy: workers: 2 processes cannot share memory://")


def test_a_rest_port_that_is_taken_is_told(variables: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, words = _refused(variables, tmp_path, "serve", "--workers", "2", "--port", port)
    assert status == 1
    assert words == f"understudy: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_a_worker_that_cannot_start_ends_all_with_its_error(
    variables: dict[str, str], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        # The second worker's, unless the port before it is taken as well.
        grpc = f"127.0.0.1:{port - 1}"
        status, words = _refused(variables, tmp_path, "core", "--workers", "2", "--grpc", grpc)
    assert status == 1
    assert f"cannot listen on 127.0.0.1:{port}" in words or f"cannot listen on {grpc}" in words
    assert "ended with status 1 before it served" in words


def test_a_mistake_that_only_a_worker_finds_is_one_of_the_caller(
    variables: dict[str, str], tmp_path: Path
) -> None:
    status, words = _refused(
        {**variables, "UNDERSTUDY_FUNCTIONS": "nowhere"}, tmp_path, "serve", "--workers", "2"
    )
    assert status == 2
    assert "understudy: functions: there is no module nowhere" in words


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_workers_that_still_start_end_with_their_parent(
    variables: dict[str, str], tmp_path: Path, end: signal.Signals
) -> None:
    log = tmp_path / "serve.log"
    with log.open("w") as errors:
        parent = subprocess.Popen(
            [str(_PROGRAM), "serve", "--workers", "3"],
            env=variables,
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        # The others have just been started.
        wait_until(lambda: "worker_serves" in log.read_text(), "the first worker serves")
        parent.send_signal(end)
        assert parent.wait() == (0 if end == signal.SIGTERM else -end)
        wait_until(lambda: not _shared_by_anybody(tmp_path / "data"), "the store is free")
    finally:
        parent.kill()
        parent.wait()


def _shared_by_anybody(data: Path) -> bool:
    with (data / "understudy.db.lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
