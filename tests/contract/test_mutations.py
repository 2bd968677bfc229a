"""Whatever is sent, the answer is a good object or an error in OpenAI's shape, and never the server's fault."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.client import Api
from tests.contract.world import World

_PART = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}
_MESSAGE = {
    "role": "user",
    "content": [{"type": "text", "text": "hi"}, _PART],
    "attachments": [{"tools": [{"type": "file_search"}]}],
    "metadata": {"k": "v"},
}
_FUNCTION = {
    "name": "f",
    "description": "d",
    "parameters": {"type": "object", "properties": {"a": {"type": "string"}}},
    "strict": False,
}
_SEARCH = {"max_num_results": 5, "ranking_options": {"ranker": "auto", "score_threshold": 0.5}}
_SAMPLING = {
    "model": "demo/demo",
    "tools": [
        {"type": "function", "function": _FUNCTION},
        {"type": "file_search", "file_search": _SEARCH},
        {"type": "code_interpreter"},
    ],
    "temperature": 0.5,
    "top_p": 0.5,
    "metadata": {"k": "v"},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
    },
}
_RESOURCES: dict[str, Any] = {
    "tool_resources": {"code_interpreter": {"file_ids": []}, "file_search": {}}
}
_ASSISTANT = {
    **_SAMPLING,
    **_RESOURCES,
    "name": "n",
    "instructions": "i",
    "reasoning_effort": "low",
}
_THREAD = {"messages": [_MESSAGE], "metadata": {"k": "v"}, **_RESOURCES}
_RUN = {
    **_SAMPLING,
    "assistant_id": "<assistant>",
    "max_prompt_tokens": 1000,
    "truncation_strategy": {"type": "last_messages", "last_messages": 3},
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": True,
    "stream": False,
}
_METADATA = {"metadata": {"k": "v"}}

OPERATIONS: dict[str, dict[str, Any]] = {
    "/assistants": _ASSISTANT,
    "/assistants/<assistant>": _ASSISTANT,
    "/threads": _THREAD,
    "/threads/<thread>": {**_METADATA, **_RESOURCES},
    "/threads/<thread>/messages": _MESSAGE,
    "/threads/<thread>/messages/<message>": _METADATA,
    "/threads/<thread>/runs": {**_RUN, "additional_messages": [_MESSAGE]},
    "/threads/<thread>/runs/<run>": _METADATA,
    "/threads/runs": {**_RUN, "thread": _THREAD},
    "/threads/<thread>/runs/<run>/submit_tool_outputs": {
        "tool_outputs": [{"tool_call_id": "call_x", "output": "o"}]
    },
    "/threads/<thread>/runs/<run>/cancel": {},
}

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.sampled_from(["auto", "function", "user", "demo/demo", "file-x", "asst_x", ""])
)
_KEYS = st.sampled_from(["type", "text", "id", "name", "function", "stream"]) | st.text(
    st.characters(codec="utf-8"), max_size=8
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with each of its keys, outermost first."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    places = [(value, key) for key in keys]
    for key in keys:
        if isinstance(value[key], dict | list):
            places += _places(value[key])
    return places


@st.composite
def _mutants(draw: st.DrawFn, body: dict[str, Any]) -> Any:
    mutant = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 3))):
        places = _places(mutant)
        kind = draw(st.sampled_from(["replace", "remove", "add", "double"]))
        if not places or kind == "add":
            inside = [mutant, *(c[k] for c, k in places if isinstance(c[k], dict))]
            draw(st.sampled_from(inside))[draw(_KEYS)] = draw(_JSON)
            continue
        container, key = draw(st.sampled_from(places))
        if kind == "replace":
            container[key] = draw(_JSON)
        elif kind == "remove":
            del container[key]
        elif isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        else:
            container[draw(_KEYS)] = copy.deepcopy(container[key])
    return mutant


_BOUNDED = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
async def own(api: Api) -> World:
    """Objects that may be changed."""
    assistant, thread = await api.assistant(), await api.thread("hi")
    run = await api.run(assistant, thread)
    message = (await api.get(f"/threads/{thread['id']}/messages"))["data"][0]
    objects = {"assistant": assistant, "thread": thread, "run": run, "message": message}
    return World(key="", ids={kind: made["id"] for kind, made in objects.items()})


@pytest.mark.parametrize("path", OPERATIONS)
@_BOUNDED
@given(data=st.data())
async def test_mutated_bodies(api: Api, own: World, path: str, data: st.DataObject) -> None:
    mutant = data.draw(_mutants(OPERATIONS[path]))
    answer = await api.call("POST", own.fill(path), own.fill(mutant))
    if answer.is_stream:
        assert answer.events()[-1].name == "done"
    elif answer.status != 200:
        assert answer.status in {400, 404}
        assert answer.error["type"] == "invalid_request_error"


@_BOUNDED
@given(
    path=st.sampled_from(["/assistants", "/threads", "/runs", "/threads/<thread>/messages"]),
    query=st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=30
    )
    | st.builds(
        "{}={}".format,
        st.sampled_from(["limit", "order", "after", "before", "run_id", "status", "include[]"]),
        st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=8)
        | st.integers().map(str),
    ),
)
async def test_random_queries(looker: Api, world: World, path: str, query: str) -> None:
    answer = await looker.call("GET", world.fill(f"{path}?{query}"))
    if answer.status != 200:
        assert answer.status in {400, 404}
        assert answer.error["type"] == "invalid_request_error"
