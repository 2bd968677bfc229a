"""One object of every kind, for the tests that only get refused."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from tests.contract.forms import HEADERS, form


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    key: str
    ids: dict[str, str]
    """By kind: ``assistant``, ``thread``, ``message``, ``run`` (completed), ``step``; ``waiting_thread`` and
    ``waiting_run``, which waits for the outputs of two calls, ``call_a`` and ``call_b``; ``file``, for user data;
    ``table``, a file that cannot be searched; ``store``, an empty vector store."""

    def fill(self, value: Any) -> Any:
        """The value with the id of a kind for each ``<kind>`` in its strings."""
        if isinstance(value, str):
            for kind, id in self.ids.items():
                value = value.replace(f"<{kind}>", id)
            return value
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, dict):
            return {key: self.fill(item) for key, item in value.items()}
        return value


def make_world(url: str, key: str) -> World:
    """Synchronous, so that it can be made once for all tests of a process."""

    def call(path: str, body: Any = None) -> Any:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {
            "Authorization": f"Bearer {key}",
            "OpenAI-Beta": "assistants=v2",
            "Content-Type": "application/json",
        }
        if isinstance(body, bytes):
            headers |= HEADERS
        request = urllib.request.Request(url + path, data=data, headers=headers)
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    assistant = call("/assistants", {"model": "demo/demo"})["id"]
    thread = call("/threads", {"messages": [{"role": "user", "content": "hello"}]})["id"]
    run = call(f"/threads/{thread}/runs", {"assistant_id": assistant, "wait": True})["id"]
    messages = call(f"/threads/{thread}/messages")
    steps = call(f"/threads/{thread}/runs/{run}/steps")
    functions = [{"type": "function", "function": {"name": name}} for name in ("red", "blue")]
    waiting = call(
        "/threads/runs",
        {
            "assistant_id": assistant,
            "tools": functions,
            "thread": {"messages": [{"role": "user", "content": "call red and blue"}]},
            "wait": True,
        },
    )
    pending = waiting["required_action"]["submit_tool_outputs"]["tool_calls"]
    return World(
        key=key,
        ids={
            "assistant": assistant,
            "thread": thread,
            "message": messages["data"][0]["id"],
            "run": run,
            "step": steps["data"][0]["id"],
            "waiting_thread": waiting["thread_id"],
            "waiting_run": waiting["id"],
            "call_a": pending[0]["id"],
            "call_b": pending[1]["id"],
            "file": call("/files", form({"purpose": "user_data"}))["id"],
            "table": call("/files", form({"purpose": "assistants"}, filename="a.csv"))["id"],
            "store": call("/vector_stores", {})["id"],
        },
    )
