"""Plain HTTP, for what the SDKs have no method for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from tests.e2e.sse import Event, EventReader


def open_http(url: str, key: str) -> httpx2.Client:
    """``url`` ends in ``/v1``; paths are given without it."""
    headers = {"Authorization": f"Bearer {key}", "OpenAI-Beta": "assistants=v2"}
    return httpx2.Client(base_url=url, headers=headers, timeout=60, trust_env=False)


@contextmanager
def streamed(
    http: httpx2.Client, method: str, path: str, **options: Any
) -> Iterator[Iterator[Event]]:
    """The events of an answer, as they come; leaving the block hangs up."""
    with http.stream(method, path, **options) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        reader = EventReader()
        yield (event for chunk in response.iter_bytes() for event in reader.feed(chunk))


def scripted(*steps: dict[str, Any]) -> str:
    """A message that tells the scripted upstream what to do."""
    return f"scripted:{json.dumps(steps)}"
