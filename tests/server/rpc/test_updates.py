"""Which fields a Modify request writes: absent keeps, null clears, lists and maps are replaced."""

from __future__ import annotations

from typing import Any

import pytest

from understudy.v1 import assistant_pb2, thread_pb2
from understudy_server.errors import InvalidRequest
from understudy_server.rpc import updates

BOUND = frozenset({"assistant_id"})
BEFORE: dict[str, Any] = {
    "model": "m",
    "name": "old",
    "temperature": 0.5,
    "metadata": {"a": "1", "b": "2"},
    "tools": [{"function": {"name": "f"}}],
    "response_format": {"text": {}},
}


@pytest.mark.parametrize(
    ("request_", "mask", "expected"),
    [
        ({}, [], {}),
        ({"name": "new"}, [], {"name": "new"}),
        ({"name": "new"}, ["name"], {"name": "new"}),
        ({}, ["name"], {"name": None}),
        ({"name": ""}, ["name"], {"name": ""}),
        ({"name": "new", "temperature": 1.0}, ["name"], {"name": "new"}),
        ({}, ["temperature"], {"temperature": None}),
        ({"temperature": 0.0}, [], {"temperature": 0.0}),
        ({"metadata": {"c": "3"}}, [], {"metadata": {"c": "3"}}),
        ({}, ["metadata"], {"metadata": {}}),
        ({"tools": []}, ["tools"], {"tools": []}),
        (
            {"tools": [{"function": {"name": "g"}}]},
            [],
            {"tools": [{"function": {"name": "g"}}]},
        ),
        ({}, ["response_format"], {"response_format": None}),
        (
            {"response_format": {"json_object": {}}},
            ["response_format"],
            {"response_format": {"json_object": {}}},
        ),
    ],
)
def test_table(request_: Any, mask: Any, expected: Any) -> None:
    target = assistant_pb2.Assistant(**BEFORE)
    request = assistant_pb2.ModifyAssistantRequest(assistant_id="asst_1", **request_)
    updates.write(target, request, updates.written_fields(request, mask, BOUND))
    wanted = {k: v for k, v in {**BEFORE, **expected}.items() if v is not None}
    assert target == assistant_pb2.Assistant(**wanted)


@pytest.mark.parametrize("name", ["assistant_id", "update_mask", "colour", "name.x"])
def test_a_mask_names_what_may_be_changed(name: Any) -> None:
    request = assistant_pb2.ModifyAssistantRequest(assistant_id="asst_1")
    with pytest.raises(InvalidRequest) as refused:
        updates.written_fields(request, [name], BOUND)
    assert (refused.value.reason, refused.value.param) == ("UNKNOWN_PARAMETER", name)


FILES = {"code_interpreter": {"file_ids": ["f"]}}
STORES = {"file_search": {"vector_store_ids": ["v"]}}


@pytest.mark.parametrize(
    ("given", "mask", "expected"),
    [
        (None, [], {**FILES, **STORES}),
        (None, ["tool_resources"], None),
        ({}, ["tool_resources"], {**FILES, **STORES}),
        (
            {"code_interpreter": {"file_ids": ["g"]}},
            [],
            {"code_interpreter": {"file_ids": ["g"]}, **STORES},
        ),
        ({"code_interpreter": {}}, [], {"code_interpreter": {}, **STORES}),
    ],
)
def test_resources_are_replaced_tool_by_tool(given: Any, mask: Any, expected: Any) -> None:
    thread = thread_pb2.Thread(tool_resources={**FILES, **STORES})  # type: ignore[arg-type]
    fields = {} if given is None else {"tool_resources": given}
    request = thread_pb2.ModifyThreadRequest(thread_id="t", **fields)
    updates.write(thread, request, updates.written_fields(request, mask, frozenset({"thread_id"})))
    wanted = {} if expected is None else {"tool_resources": expected}
    assert thread == thread_pb2.Thread(**wanted)
