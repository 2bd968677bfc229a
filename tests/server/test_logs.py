"""Log lines, as another program would read them."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import datetime, timedelta

import orjson
import pytest

from understudy import __version__

PROGRAM = """
import logging, sys, structlog
from understudy_server import logs
worker = int(sys.argv[3]) if len(sys.argv) > 3 else None
logs.configure(format=sys.argv[1], level=sys.argv[2], component="core", worker=worker)
log = structlog.get_logger()
log.debug("quiet")
log.bind(project="p").info("call", ms=1.5, code="OK", odd={"a": 1}, text='say "hi"')
logging.getLogger("library").warning("from %s", "afar")
logging.getLogger("library").info("chatter")
"""


def _run(format: str, level: str, *worker: str) -> list[str]:
    """A process of its own: logging is configured once for a whole process."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, format, level, *worker],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


@pytest.mark.parametrize("format", ["json", "auto"])
def test_json_lines(format: str) -> None:
    first, second = (orjson.loads(line) for line in _run(format, "info"))
    assert list(first)[:5] == ["time", "level", "component", "version", "event"]
    at = datetime.fromisoformat(first.pop("time"))
    assert at.utcoffset() == timedelta(0)
    assert first == {
        "level": "info",
        "component": "core",
        "version": __version__,
        "event": "call",
        "project": "p",
        "ms": 1.5,
        "code": "OK",
        "odd": {"a": 1},
        "text": 'say "hi"',
    }
    assert (second["level"], second["event"]) == ("warning", "from afar")


def test_one_of_several_workers_tells_which() -> None:
    for line in _run("json", "info", "2"):
        read = orjson.loads(line)
        assert list(read)[2:4] == ["component", "worker"]
        assert read["worker"] == 2


def test_text_for_people() -> None:
    first, second = _run("text", "info")
    assert f" level=info component=core version={__version__} event=call " in first
    assert 'text="say \\"hi\\""' in first
    assert 'event="from afar"' in second


def test_levels() -> None:
    assert [orjson.loads(line)["event"] for line in _run("json", "debug")] == [
        "quiet",
        "call",
        "from afar",
    ]
    assert _run("json", "error") == []


def test_importing_configures_nothing() -> None:
    before = list(logging.getLogger().handlers)
    import understudy_server.logs

    assert understudy_server.logs.__doc__
    assert logging.getLogger().handlers == before
