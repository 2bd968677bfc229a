"""README's first screen is true: its program, run against a fresh server, prints its transcript."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Process, start

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
KEY = re.compile(r"sk-understudy-[\w.-]+")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    """`understudy serve` as on a new machine: nothing is configured but where things go."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "UNDERSTUDY_PORT": "0",
        "UNDERSTUDY_GRPC": "127.0.0.1:0",
    }
    process = start(["serve"], tmp_path, environment)
    try:
        yield process
        process.terminate()
    finally:
        process.kill()
        assert process.popen.stdout is not None
        process.popen.stdout.close()


def first_key(process: Process) -> str:
    assert process.popen.stdout is not None
    line = process.popen.stdout.readline()
    found = KEY.search(line)
    assert found is not None, line
    return found[0]


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_transcript_is_real(server: Process) -> None:
    program = block("python").replace("http://127.0.0.1:3500/v1", server.facts["REST"])
    program = KEY.sub(first_key(server), program)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == block("text")


def test_what_the_server_announces_is_what_readme_shows(server: Process, tmp_path: Path) -> None:
    shown = [line.split()[0] for line in block("console").splitlines()[2:7]]
    assert [*server.facts][1:] == shown[:-1]
    assert first_key(server).startswith("sk-understudy-")
    store = server.facts["store"]
    assert store == f"sqlite:///{tmp_path}/.local/share/understudy/understudy.db"


def test_what_the_server_keeps_is_for_its_owner_only(server: Process, tmp_path: Path) -> None:
    data = tmp_path / ".local/share/understudy"
    assert data.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o077 for file in data.iterdir()}.values()
    assert all(file.stat().st_mode & 0o077 == 0 for file in data.iterdir())
    assert server.facts["gRPC"].startswith("127.0.0.1:")
