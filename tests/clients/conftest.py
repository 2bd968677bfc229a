"""A core for the clients of every language, with keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.languages import LANGUAGES
from tests.servers import UPSTREAM_KEY, Process, environment, start
from tests.upstream.threaded import ThreadedUpstream

# What must be built first is tested by `make test-clients`, which names its languages.
_NEEDS = {"test_own_suites.py": {"typescript", "go", "java"}, "test_sdks.py": {"go", "java"}}
collect_ignore = [name for name, needed in _NEEDS.items() if needed.isdisjoint(LANGUAGES)]


@contextmanager
def _started(folder: Path, *arguments: str) -> Iterator[Process]:
    with ThreadedUpstream(api_key=UPSTREAM_KEY) as upstream:
        process = start(["core", *arguments], folder, environment(folder, upstream))
        try:
            yield process
            process.terminate()
        finally:
            process.kill()


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """On a free port of 127.0.0.1."""
    with _started(tmp_path_factory.mktemp("core")) as process:
        yield process


@pytest.fixture(scope="session")
def core_behind_a_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("core")
    with _started(folder, "--grpc", f"unix:{folder}/core.sock") as process:
        yield process
