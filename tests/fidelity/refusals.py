"""Requests that are refused for what this server does not have, or nobody has, at every place where it may stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.contract.cases import put
from tests.contract.places import BODIES, MESSAGE, MESSAGES


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request, with ``<assistant>`` and so on for ids; and the error that answers it."""

    name: str
    path: str
    body: Any
    status: int
    param: str
    says: str
    """Part of its message."""


_RESOURCES = (
    ("/assistants", ""),
    ("/assistants/<assistant>", ""),
    ("/threads", ""),
    ("/threads/<thread>", ""),
    ("/threads/runs", ""),
    ("/threads/runs", "thread."),
)
_NEW_STORES = (("/assistants", ""), ("/threads", ""), ("/threads/runs", "thread."))
_HOSTED: tuple[dict[str, Any], ...] = (
    {"type": "code_interpreter"},
    {"type": "file_search", "file_search": {"max_num_results": 7}},
)
_NO_FILE = "The following files were not found: file-1"


def refusals() -> Iterator[Refusal]:
    yield from _resources()
    yield from _messages()
    yield from _runs()


def _at(path: str, place: str, value: Any, status: int, param: str, says: str) -> Refusal:
    note = value.get("type", "") if isinstance(value, dict) else ""
    return Refusal(
        name=" ".join(filter(None, [path, place, note])),
        path=path,
        body=put(BODIES[path], place, value),
        status=status,
        param=param,
        says=says,
    )


def _resources() -> Iterator[Refusal]:
    for path, p in _RESOURCES:
        at = f"{p}tool_resources"
        place = f"{at}.code_interpreter.file_ids"
        yield _at(path, place, ["file-1"], 404, f"{place}[0]", _NO_FILE)
        place = f"{at}.file_search.vector_store_ids"
        message = "Vector store with id [vs_1] not found."
        yield _at(path, place, ["vs_1"], 404, f"{place}[0]", message)
    for path, p in _NEW_STORES:
        place = f"{p}tool_resources.file_search.vector_stores"
        yield _at(path, place, [{"file_ids": ["file-1"]}], 404, f"{place}[0].file_ids[0]", _NO_FILE)


def _messages() -> Iterator[Refusal]:
    for path, p in MESSAGES:
        image = {"type": "image_file", "image_file": {"file_id": "file-1"}}
        yield Refusal(
            name=f"{path} {p}content image_file",
            path=path,
            body=_message(path, p, {**MESSAGE, "content": [image]}),
            status=404,
            param=f"{p}content[0].image_file.file_id",
            says=_NO_FILE,
        )
        tools = [{"type": "code_interpreter"}, {"type": "file_search"}]
        attached = {**MESSAGE, "attachments": [{"file_id": "file-1", "tools": tools}]}
        yield Refusal(
            name=f"{path} {p}attachments",
            path=path,
            body=_message(path, p, attached),
            status=404,
            param=f"{p}attachments[0].file_id",
            says=_NO_FILE,
        )


def _message(path: str, p: str, message: Any) -> Any:
    return put(BODIES[path], p[:-1], message) if p else message


def _runs() -> Iterator[Refusal]:
    for path in ("/threads/<thread>/runs", "/threads/runs"):
        for tool in _HOSTED:
            kind = tool["type"]
            yield Refusal(
                name=f"{path} tools {kind}",
                path=path,
                body={**BODIES[path], "tools": [tool]},
                status=400,
                param="tools[0].type",
                says=f"the tool '{kind}' is not available on this server",
            )
            yield _at(path, "tool_choice", {"type": kind}, 400, "tool_choice", f"'{kind}'")
            yield Refusal(
                name=f"{path} assistant with {kind}",
                path=path,
                body={"assistant_id": f"<assistant with {kind}>"},
                status=400,
                param="tools[0].type",
                says=f"the tool '{kind}' is not available on this server",
            )
