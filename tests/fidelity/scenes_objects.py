"""Assistants, threads and messages: made with everything that may be said of them, read, changed, listed, deleted."""

from __future__ import annotations

from typing import Any

from tests.fidelity.properties import properties
from tests.fidelity.stage import FILE, STORE, Stage

MODEL = "gpt-4o"
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
URL = "https://example.com/a.png"
SCHEMA = {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}
FUNCTION: dict[str, Any] = {
    "type": "function",
    "function": {"name": "f", "description": "Does f.", "parameters": SCHEMA, "strict": False},
}
LAX_FUNCTION = {"type": "function", "function": {"name": "f", "strict": None}}
INTERPRETER = {"type": "code_interpreter"}
SEARCHES = tuple(
    {
        "type": "file_search",
        "file_search": {
            "max_num_results": 7,
            "ranking_options": {"ranker": ranker, "score_threshold": 0.25},
        },
    }
    for ranker in ("auto", "default_2024_08_21")
)
FORMATS: tuple[Any, ...] = (
    "auto",
    {"type": "text"},
    {"type": "json_object"},
    {
        "type": "json_schema",
        "json_schema": {"name": "s", "description": "An s.", "schema": SCHEMA, "strict": True},
    },
)
LAX_FORMAT = {"type": "json_schema", "json_schema": {"name": "s", "strict": None}}
IMAGES = tuple(
    {"type": "image_url", "image_url": {"url": URL, "detail": detail}}
    for detail in ("auto", "low", "high")
)
PICTURES = tuple(
    {"type": "image_file", "image_file": {"file_id": FILE, "detail": detail}}
    for detail in ("auto", "low", "high")
)
ATTACHED = {"file_id": FILE, "tools": [INTERPRETER, {"type": "file_search"}]}
MESSAGES: tuple[dict[str, Any], ...] = (
    {"role": "user", "content": "Hi", "metadata": {"m": "1"}, "attachments": [ATTACHED]},
    {"role": "assistant", "content": "Hello", "metadata": None, "attachments": None},
    {"role": "user", "content": [{"type": "text", "text": "What?"}, *IMAGES, *PICTURES]},
)
RESOURCES: dict[str, Any] = {
    "code_interpreter": {"file_ids": [FILE]},
    "file_search": {"vector_store_ids": [STORE]},
}
STATIC = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}
WITH_NEW_STORES: tuple[dict[str, Any], ...] = tuple(
    {
        "tool_resources": {
            "file_search": {
                "vector_stores": [
                    {"file_ids": [FILE], "chunking_strategy": chunking, "metadata": metadata}
                ]
            }
        }
    }
    for chunking, metadata in (
        ({"type": "auto"}, {"a": "1"}),
        ({"type": "static", "static": STATIC}, None),
    )
)


def as_given(message: Any) -> dict[str, Any]:
    """A message in the shape of the request that makes one."""
    parts = [
        {"type": "text", "text": part["text"]["value"]} if part["type"] == "text" else part
        for part in message["content"]
    ]
    plain = len(parts) == 1 and parts[0]["type"] == "text"
    return {**message, "content": parts[0]["text"] if plain else parts}


def nulls(schema: str) -> dict[str, None]:
    """Null for every field of a request that may be null."""
    return {
        property.key[1]: None
        for property in properties(schema)
        if property.nullable and property.key[1].isidentifier()
    }


async def messages_of(stage: Stage, thread_id: str) -> list[dict[str, Any]]:
    """Those that no run wrote, in the shape of requests, oldest first."""
    page = await stage.api.get(f"/threads/{thread_id}/messages?order=asc&limit=100")
    return [as_given(message) for message in page["data"] if message["run_id"] is None]


async def assistants(stage: Stage) -> None:
    api, kept = stage.api, stage.api.traffic.note_kept
    made: list[str] = []
    bodies = [
        {"model": "m", "reasoning_effort": effort, "response_format": format}
        for effort, format in zip(EFFORTS, (*FORMATS, None, None, None), strict=True)
    ]
    bodies[0] |= {
        "name": "n",
        "description": "d",
        "instructions": "i",
        "tools": [INTERPRETER, SEARCHES[0], FUNCTION],
        "tool_resources": RESOURCES,
        "metadata": {"a": "1"},
        "temperature": 0.5,
        "top_p": 0.25,
    }
    bodies[1] |= {"tools": [SEARCHES[1], LAX_FUNCTION]}
    bodies.append({**nulls("CreateAssistantRequest"), "model": "m", "response_format": LAX_FORMAT})
    bodies.append({**nulls("CreateAssistantRequest"), "model": "m"})
    for body in bodies:
        # Outside of threads, objects of one moment are in the order of their ids.
        await stage.clock.advance(1)
        assistant = await api.post("/assistants", body)
        made.append(assistant["id"])
        kept("CreateAssistantRequest", body, await api.get(f"/assistants/{assistant['id']}"))
    for body in bodies:
        path = f"/assistants/{made[-1]}"
        await api.post(path, body)
        kept("ModifyAssistantRequest", body, await api.get(path))
    await lists(stage, "/assistants", made)
    for body in WITH_NEW_STORES:
        await api.post("/assistants", {"model": "m", **body})
    await api.delete(path)


async def lists(stage: Stage, path: str, ids: list[str]) -> None:
    """Every cursor and order of a list of these, oldest first."""
    mark = "&" if "?" in path else "?"
    newest = await stage.api.get(f"{path}{mark}order=desc&limit=1")
    assert [found["id"] for found in newest["data"]] == ids[-1:]
    assert newest["has_more"] is (len(ids) > 1)
    behind = await stage.api.get(f"{path}{mark}order=asc&after={ids[0]}")
    assert [found["id"] for found in behind["data"]] == ids[1:]
    before = await stage.api.get(f"{path}{mark}order=asc&before={ids[-1]}")
    assert [found["id"] for found in before["data"]] == ids[:-1]


async def threads(stage: Stage) -> None:
    api, kept = stage.api, stage.api.traffic.note_kept
    body = {"messages": list(MESSAGES), "tool_resources": RESOURCES, "metadata": {"t": "1"}}
    thread = await api.post("/threads", body)
    path = f"/threads/{thread['id']}"
    read = {**await api.get(path), "messages": await messages_of(stage, thread["id"])}
    kept("CreateThreadRequest", body, read)
    changed = {"tool_resources": RESOURCES, "metadata": {"t": "2"}}
    await api.post(path, changed)
    kept("ModifyThreadRequest", changed, await api.get(path))
    await api.post(path, nulls("ModifyThreadRequest"))
    await api.post("/threads", nulls("CreateThreadRequest"))
    for body in WITH_NEW_STORES:
        await api.post("/threads", body)
    await api.delete(path)


async def messages(stage: Stage) -> None:
    api, kept = stage.api, stage.api.traffic.note_kept
    thread = await api.post("/threads")
    path = f"/threads/{thread['id']}/messages"
    ids: list[str] = []
    for body in MESSAGES:
        message = await api.post(path, body)
        ids.append(message["id"])
        kept("CreateMessageRequest", body, as_given(await api.get(f"{path}/{message['id']}")))
    changed = {"metadata": {"m": "2"}}
    await api.post(f"{path}/{ids[0]}", changed)
    kept("ModifyMessageRequest", changed, await api.get(f"{path}/{ids[0]}"))
    await api.post(f"{path}/{ids[0]}", nulls("ModifyMessageRequest"))
    await lists(stage, path, ids)
    await api.delete(f"{path}/{ids[0]}")
