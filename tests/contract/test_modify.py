"""Modify: what is absent stays, null clears, the rest is replaced whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.client import Api

FULL: dict[str, Any] = {
    "name": "n",
    "description": "d",
    "instructions": "i",
    "tools": [{"type": "code_interpreter"}],
    "metadata": {"a": "1", "b": "2"},
    "temperature": 0.5,
    "top_p": 0.25,
    "reasoning_effort": "low",
    "response_format": {"type": "json_object"},
}
CLEARED: dict[str, Any] = {
    "name": None,
    "description": None,
    "instructions": None,
    "tools": [],
    "metadata": {},
    "temperature": 1.0,
    "top_p": 1.0,
    "reasoning_effort": None,
    "response_format": "auto",
}
CHANGED: dict[str, Any] = {
    "name": "N",
    "description": "D",
    "instructions": "I",
    "tools": [],
    "metadata": {"c": "3"},
    "temperature": 2.0,
    "top_p": 0.0,
    "reasoning_effort": "high",
    "response_format": {"type": "text"},
    "model": "other",
}


@pytest.mark.parametrize("field", CLEARED)
async def test_null_clears_one_field_of_an_assistant(api: Api, field: str) -> None:
    assistant = await api.assistant(**FULL)
    path = f"/assistants/{assistant['id']}"
    changed = await api.post(path, {field: None})
    assert changed == {**assistant, field: CLEARED[field]}
    assert await api.get(path) == changed


@pytest.mark.parametrize("field", CHANGED)
async def test_one_field_of_an_assistant_is_replaced(api: Api, field: str) -> None:
    assistant = await api.assistant(**FULL)
    changed = await api.post(f"/assistants/{assistant['id']}", {field: CHANGED[field]})
    assert changed == {**assistant, field: CHANGED[field]}


async def test_nothing_given_changes_nothing(api: Api) -> None:
    assistant = await api.assistant(**FULL)
    path = f"/assistants/{assistant['id']}"
    assert await api.post(path, {}) == assistant
    assert await api.post(path) == assistant


async def test_empty_values_are_values(api: Api) -> None:
    assistant = await api.assistant(**FULL)
    changed = await api.post(f"/assistants/{assistant['id']}", {"name": "", "metadata": {}})
    assert (changed["name"], changed["metadata"]) == ("", {})


async def test_a_refused_change_changes_nothing(api: Api) -> None:
    assistant = await api.assistant(**FULL)
    path = f"/assistants/{assistant['id']}"
    for wrong in ({"top_p": 2}, {"foo": 1}, {"metadata": {"k": 1}}):
        assert (await api.call("POST", path, {"name": "X", **wrong})).status == 400
    assert await api.get(path) == assistant


async def test_resources_of_each_tool_are_replaced_and_others_stay(api: Api) -> None:
    interpreter: dict[str, Any] = {"file_ids": []}
    search: dict[str, Any] = {"vector_store_ids": []}
    for path in ("/assistants", "/threads"):
        body = {"model": "m"} if path == "/assistants" else {}
        made = await api.post(path, {**body, "tool_resources": {"code_interpreter": interpreter}})
        assert made["tool_resources"] == {"code_interpreter": interpreter}
        at = f"{path}/{made['id']}"
        added = await api.post(at, {"tool_resources": {"file_search": search}})
        both = {"code_interpreter": interpreter, "file_search": search}
        assert added["tool_resources"] == both
        for kept in ({}, {"code_interpreter": None}):
            assert (await api.post(at, {"tool_resources": kept}))["tool_resources"] == both
        assert (await api.post(at, {"tool_resources": None}))["tool_resources"] == {}


async def test_only_metadata_of_threads_messages_and_runs(api: Api) -> None:
    assistant, thread = await api.assistant(), await api.thread("hi", metadata={"a": "1"})
    run = await api.run(assistant, thread, metadata={"a": "1"})
    (message, *_) = (await api.get(f"/threads/{thread['id']}/messages"))["data"]
    at = f"/threads/{thread['id']}"
    for path, whole in (
        (at, thread),
        (f"{at}/messages/{message['id']}", message),
        (f"{at}/runs/{run['id']}", run),
    ):
        for given in ({"b": "2"}, {}, {"c": "3", "d": ""}, None):
            changed = await api.post(path, {"metadata": given})
            assert changed == {**whole, "metadata": given or {}}
            assert await api.get(path) == changed
        for field in ("id", "created_at", "object", "status", "role", "content", "thread_id"):
            answer = await api.call("POST", path, {field: whole.get(field, "x")})
            assert answer.status == 400
            assert answer.error["message"] == f"Unknown parameter: '{field}'."
            assert answer.error["param"] == field
