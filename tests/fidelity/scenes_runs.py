"""Runs with everything that may be asked of one."""

from __future__ import annotations

from typing import Any

from tests.fidelity.scenes_objects import (
    EFFORTS,
    FORMATS,
    FUNCTION,
    MESSAGES,
    MODEL,
    RESOURCES,
    WITH_NEW_STORES,
    lists,
    messages_of,
    nulls,
)
from tests.fidelity.stage import Stage

CHOICES: tuple[Any, ...] = (
    "none",
    "auto",
    "required",
    {"type": "function", "function": {"name": "f"}},
)
TRUNCATIONS = (
    {"type": "auto", "last_messages": None},
    {"type": "last_messages", "last_messages": 3},
)
INCLUDE = "include[]=step_details.tool_calls[*].file_search.results[*].content"

_FULL: dict[str, Any] = {
    "model": MODEL,
    "instructions": "i",
    "tools": [FUNCTION],
    "metadata": {"r": "1"},
    "temperature": 0.5,
    "top_p": 0.25,
    "stream": False,
    "max_prompt_tokens": 1000,
    "max_completion_tokens": 2000,
    "parallel_tool_calls": False,
    "wait": True,
}


async def assistant_of(stage: Stage, **fields: Any) -> str:
    made = await stage.api.post("/assistants", {"model": MODEL, **fields})
    return str(made["id"])


async def thread_of(stage: Stage, text: str = "Hi") -> str:
    body = {"messages": [{"role": "user", "content": text}]}
    return str((await stage.api.post("/threads", body))["id"])


def _variants() -> list[dict[str, Any]]:
    """What may be chosen among several, one choice at a time."""
    return [
        *({"response_format": format} for format in FORMATS),
        *({"tool_choice": choice, "tools": [FUNCTION]} for choice in CHOICES),
        *({"truncation_strategy": strategy} for strategy in TRUNCATIONS),
    ]


async def parameters(stage: Stage) -> None:
    api, kept = stage.api, stage.api.traffic.note_kept
    assistant = {"assistant_id": await assistant_of(stage)}
    path = f"/threads/{await thread_of(stage)}/runs"
    ids: list[str] = []
    efforts = [{"reasoning_effort": effort, "model": "o4-mini"} for effort in EFFORTS]
    nothing = nulls("CreateRunRequest")
    for given in (_FULL, *_variants(), *efforts, nothing):
        body = {"wait": True, **assistant, **given}
        run = await api.post(f"{path}?{INCLUDE}", body)
        ids.append(run["id"])
        kept("CreateRunRequest", body, await api.get(f"{path}/{run['id']}"))
    changed = {"metadata": {"r": "2"}}
    await api.post(f"{path}/{ids[0]}", changed)
    kept("ModifyRunRequest", changed, await api.get(f"{path}/{ids[0]}"))
    await api.post(f"{path}/{ids[0]}", nulls("ModifyRunRequest"))
    await lists(stage, path, ids)


async def additions(stage: Stage) -> None:
    thread = await thread_of(stage)
    more = {"additional_instructions": "Now.", "additional_messages": list(MESSAGES)}
    body = {"assistant_id": await assistant_of(stage), "wait": True, **more}
    await stage.api.post(f"/threads/{thread}/runs", body)
    _, *added = await messages_of(stage, thread)
    stage.api.traffic.note_kept("CreateRunRequest", more, {"additional_messages": added})


async def with_threads(stage: Stage) -> None:
    """A run on a thread that is made with it."""
    api = stage.api
    assistant = {"assistant_id": await assistant_of(stage)}
    inner = {"messages": list(MESSAGES), "metadata": {"t": "1"}}
    for given in (
        {**_FULL, "thread": {**inner, "tool_resources": RESOURCES}},
        *({**given, "thread": inner} for given in _variants()),
        {"thread": inner, "tool_resources": RESOURCES},
        {**nulls("CreateThreadAndRunRequest"), "thread": inner},
    ):
        body = {"wait": True, **assistant, **given}
        run = await api.post("/threads/runs", body)
        thread = await api.get(f"/threads/{run['thread_id']}")
        said = await messages_of(stage, run["thread_id"])
        again = await api.get(f"/threads/{run['thread_id']}/runs/{run['id']}")
        read = {
            **again,
            "thread": {**thread, "messages": said},
            "tool_resources": thread["tool_resources"],
        }
        api.traffic.note_kept("CreateThreadAndRunRequest", body, read)
    for given in WITH_NEW_STORES:
        await api.post("/threads/runs", {"wait": True, **assistant, "thread": given})
    events = await api.stream("/threads/runs", assistant)
    assert events[0].name == "thread.created"
