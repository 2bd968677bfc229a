from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.workers.crew import Crew
from tests.servers import UPSTREAM_KEY, environment, start
from tests.upstream.threaded import ThreadedUpstream


@pytest.fixture(scope="module")
def upstream() -> Iterator[ThreadedUpstream]:
    with ThreadedUpstream(api_key=UPSTREAM_KEY) as upstream:
        yield upstream


@pytest.fixture
def marker() -> str:
    """Something to name a gate by."""
    return f"marker-{uuid4().hex}"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def variables(tmp_path: Path, upstream: ThreadedUpstream) -> dict[str, str]:
    """What a server is started with. Runs of a worker that died are taken over soon."""
    return {
        **environment(tmp_path, upstream),
        "UNDERSTUDY_LEASE": "2",
        # However long a slow machine takes to start a worker again.
        "UNDERSTUDY_RESUME": "3600",
        "UNDERSTUDY_RETRY": "3600",
    }


@pytest.fixture
def crew(tmp_path: Path, variables: Mapping[str, str], stack: ExitStack) -> Callable[..., Crew]:
    """Starts a parent; whatever happens, nothing is left of it."""

    def begin(*arguments: str, **settings: str) -> Crew:
        parent = start([*arguments], tmp_path, {**variables, **settings})
        started = Crew(parent)
        stack.callback(started.wait_until_gone)
        stack.callback(parent.kill)
        return started

    return begin
