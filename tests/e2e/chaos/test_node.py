"""The Node SDK before two cores, of which the one that works on its run is killed."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL
from typing import Any, TypeAlias

import pytest

from tests.e2e.chaos.cluster import TWO_CORES, Cluster
from tests.servers import KEY
from tests.upstream.threaded import ThreadedUpstream

_FOLDER = Path(__file__).parents[1] / "node"
Script: TypeAlias = list[list[dict[str, Any]]]

_LAYOUT = replace(TWO_CORES, lease=6.0)
"""Its lease is long enough that the core that holds the run at first still does when it is killed."""


@pytest.mark.timeout(900)
def test_a_streamed_run_survives_its_core(
    tmp_path: Path, upstream: ThreadedUpstream, marker: str, installed_sdks: None
) -> None:
    script: Script = [
        [{"call": "shout", "arguments": {"text": "who"}}],
        # The first try says something and then waits at the gate, the next finds it open.
        [{"say": ["begun "]}, {"gate": marker}, {"say": ["and ended"]}],
    ]
    with Cluster(_LAYOUT, tmp_path, upstream) as cluster:
        with _survivor(cluster.urls[0], script) as node:
            try:
                lines = _watch(node, cluster, upstream, marker)
            except BaseException:
                node.kill()
                raise
        assert node.returncode == 0

    *names, end = lines
    assert names.count("thread.message.created") == 2
    assert names.count("thread.message.incomplete") == 1
    assert names[-1] == "thread.run.completed"
    found = json.loads(end)
    assert (found["status"], found["text"]) == ("completed", "begun and ended")
    assert found["stored"] == [found["last"]]


def _survivor(url: str, script: Script) -> subprocess.Popen[str]:
    variables = {
        "PATH": os.environ["PATH"],
        "BASE_URL": url,
        "KEY": KEY,
        "DIALECT": "responses",
        "SCRIPT": json.dumps(script),
    }
    return subprocess.Popen(
        ["node", "survivor.mjs"], cwd=_FOLDER, env=variables, stdout=subprocess.PIPE, text=True
    )


def _watch(
    node: subprocess.Popen[str], cluster: Cluster, upstream: ThreadedUpstream, gate: str
) -> list[str]:
    """What the program tells, to its end; the core of its run is killed at the first word."""
    assert node.stdout is not None
    lines = []
    killed = None
    for line in node.stdout:
        lines.append(line.strip())
        if line.strip() == "thread.message.delta" and killed is None:
            # The core that has called the function is the one that holds the run.
            (killed,) = [member for member in cluster.members if member.calls()]
            cluster.strike(killed, SIGKILL)
            upstream.release(gate)
    if killed is not None:
        killed.start_again()
    return lines
