"""Where the same field may stand, and how a case is made for a place."""

from __future__ import annotations

from typing import Any

from tests.contract.cases import Case, put

RUN = {"assistant_id": "<assistant>"}
MESSAGE = {"role": "user", "content": "hi"}
LONG = "x" * 256_001

BODIES: dict[str, Any] = {
    "/assistants": {"model": "demo/demo"},
    "/assistants/<assistant>": {},
    "/threads": {},
    "/threads/<thread>": {},
    "/threads/<thread>/messages": MESSAGE,
    "/threads/<thread>/messages/<message>": {},
    "/threads/<thread>/runs": RUN,
    "/threads/<thread>/runs/<run>": {},
    "/threads/runs": RUN,
}
"""A body that each operation takes."""

METADATA = (
    *((path, "metadata") for path in BODIES),
    ("/threads", "messages[0].metadata"),
    ("/threads/<thread>/runs", "additional_messages[0].metadata"),
    ("/threads/runs", "thread.metadata"),
    ("/threads/runs", "thread.messages[0].metadata"),
)

MESSAGES = (
    ("/threads/<thread>/messages", ""),
    ("/threads", "messages[0]."),
    ("/threads/<thread>/runs", "additional_messages[0]."),
    ("/threads/runs", "thread.messages[0]."),
)

TOOLS = ("/assistants", "/assistants/<assistant>", "/threads/<thread>/runs", "/threads/runs")


def case_at(path: str, place: str, value: Any, expected: dict[str, Any], note: str = "") -> Case:
    body = BODIES[path]
    # What a place needs around it, so that only the value at fault is at fault.
    for whole in ("messages[0]", "additional_messages[0]", "thread.messages[0]"):
        if place.startswith(f"{whole}."):
            body = put(body, whole, MESSAGE)
    return Case(path=path, body=put(body, place, value), note=note, **expected)
