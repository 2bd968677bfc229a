"""The last 1.x of the Python SDK, which many programs are pinned to, says the same as its successors."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import MAIN_SITES, Site

_HERE = Path(__file__).parent
_PYTHON = _HERE.parents[1] / ".venv-openai1" / "bin" / "python"

_EXPECTED = {
    "assistants": {
        "name": "Ada",
        "cleared": None,
        "metadata": {"a": "b"},
        "is_newest": True,
        "deleted": True,
    },
    "messages": ["0", "1", "2", "3", "4"],
    "polled": {
        "statuses": ["completed", "completed"],
        "tokens": 12,
        "step": "message_creation",
        "texts": ["hello", "echo: hello", "again", "echo: again"],
    },
    "streamed": {
        "text": "echo: hello",
        "status": "completed",
        "messages": ["echo: hello"],
        "steps": ["message_creation"],
    },
    "raw_events": [
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
    ],
    "tools": {
        "waits": "requires_action",
        "arguments": {"city": "Rome"},
        "text": "tools said: sunny",
        "ends": "completed",
    },
    "failed": {"status": "failed", "code": "server_error"},
    "errors": [
        ["NotFoundError", None, None],
        ["BadRequestError", "temperature", "decimal_above_max_value"],
        ["AuthenticationError", None, "invalid_api_key"],
    ],
}


@pytest.mark.parametrize("site", [*MAIN_SITES, "in-memory"], indirect=True)
def test_the_same_conversation(site: Site, dialect: str, installed_sdks: None) -> None:
    done = subprocess.run(
        [
            *(str(_PYTHON), "-W", "ignore::DeprecationWarning"),
            *(str(_HERE / "openai1" / "scenario.py"), site.url, site.deployment.key),
            f"{dialect}/scripted-model",
        ],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    observed = json.loads(done.stdout)
    assert observed.pop("version").startswith("1.")
    assert observed == _EXPECTED
