"""`understudy doctor`, as it is called."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.servers import start

COMMAND = Path(sys.executable).with_name("understudy")


def doctor(
    folder: Path, environment: Mapping[str, str], *arguments: str
) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit status, and level and words of what was checked."""
    done = subprocess.run(
        [COMMAND, "doctor", *arguments],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "UNDERSTUDY_PORT": "0",
            "UNDERSTUDY_GRPC": "off",
            # Whether the local model is installed is the machine's affair.
            "UNDERSTUDY_EMBEDDINGS": "none",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    lines = [(line[:5].strip(), line[6:20].strip(), line[21:]) for line in done.stdout.splitlines()]
    return done.returncode, {what: (level, words) for level, what, words in lines}


def test_a_new_machine(tmp_path: Path) -> None:
    status, found = doctor(tmp_path, {})
    assert status == 0
    assert {what: level for what, (level, _) in found.items()} == {
        "configuration": "ok",
        "data folder": "ok",
        "store": "ok",
        "keys": "ok",
        "files": "ok",
        "model demo": "warn",
        "embeddings": "ok",
        "clock": "ok",
        "REST port": "ok",
        "gRPC port": "ok",
    }
    assert not list(tmp_path.iterdir())


def test_a_server_that_runs(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "UNDERSTUDY_PORT": "0",
        "UNDERSTUDY_GRPC": "127.0.0.1:0",
    }
    process = start(["serve"], tmp_path, environment)
    try:
        port = process.facts["REST"].removesuffix("/v1").rpartition(":")[2]
        status, found = doctor(tmp_path, {"UNDERSTUDY_GRPC": process.facts["gRPC"]}, "--port", port)
        process.terminate()
    finally:
        process.kill()
        assert process.popen.stdout is not None
        process.popen.stdout.close()
    assert status == 0
    assert "is ready" in found["REST port"][1]
    assert "is ready" in found["gRPC port"][1]
    assert "takes commits" in found["store"][1]
    assert found["keys"][1].startswith("1 in the store")


def test_mistakes_end_with_1(tmp_path: Path) -> None:
    status, found = doctor(tmp_path, {}, "--port", "x")
    assert status == 1
    assert found["configuration"] == ("FAIL", found["configuration"][1])
    assert "--port: 'x' is wrong" in found["configuration"][1]
    status, found = doctor(tmp_path, {"UNDERSTUDY_FUNCTIONS": "nowhere"}, "--store", "memory://")
    assert status == 1
    assert found["functions"][0] == "FAIL"
    assert "there is no module nowhere" in found["functions"][1]
    assert found["store"][0] == "warn"


def test_functions_are_named(tmp_path: Path) -> None:
    source = "from understudy_server.tools import function\n@function\ndef today(): ...\n"
    (tmp_path / "shop.py").write_text(source)
    status, found = doctor(tmp_path, {"UNDERSTUDY_FUNCTIONS": "shop"})
    assert (status, found["functions"]) == (0, ("ok", "today (from shop)"))
