"""A client that notes which property was sent, which came, and what became of what was sent."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.contract.client import Answer, Api, Event
from tests.fidelity.properties import Key, Node, operations, request_schema, response_schema
from tests.fidelity.walk import MISSING, Occurrence, occurrences


@dataclass(kw_only=True, repr=False)
class Traffic:
    sent: defaultdict[Key, list[Occurrence]] = field(default_factory=lambda: defaultdict(list))
    """In bodies and queries of requests that were accepted."""
    kept: defaultdict[Key, list[Occurrence]] = field(default_factory=lambda: defaultdict(list))
    """Sent, and what was read afterwards in its place."""
    came: defaultdict[Key, list[Occurrence]] = field(default_factory=lambda: defaultdict(list))
    """In answers and events."""
    refusals: dict[str, tuple[list[Occurrence], Answer]] = field(default_factory=dict)
    """What was asked and answered, by name of the case."""

    def note_kept(self, schema: str, sent: Any, read: Any) -> None:
        """``read`` has the shape of a request."""
        for found in occurrences(schema, sent, read):
            self.kept[found.key].append(found)

    def note_came(self, schema: str, value: Any) -> None:
        for found in occurrences(schema, value):
            self.came[found.key].append(found)


class Recorder:
    """As ``Api``; everything but what it refuses is expected to be accepted."""

    def __init__(self, api: Api, traffic: Traffic) -> None:
        self.bare = api
        self.traffic = traffic

    async def get(self, path: str) -> Any:
        return await self._accepted("GET", path)

    async def post(self, path: str, body: Any = None) -> Any:
        return await self._accepted("POST", path, body)

    async def delete(self, path: str) -> Any:
        return await self._accepted("DELETE", path)

    async def stream(self, path: str, body: Any) -> list[Event]:
        """Every event of the answer."""
        answer = await self.bare.call("POST", path, {**body, "stream": True})
        self._note_sent("POST", path, {**body, "stream": True})
        return self._events(answer)

    async def events(self, run: Any) -> list[Event]:
        """Every event of a run, once it has ended or waits."""
        path = f"/threads/{run['thread_id']}/runs/{run['id']}/events"
        return self._events(await self.bare.call("GET", path))

    async def refused(self, name: str, method: str, path: str, body: Any) -> None:
        """Note what is said to a request; its judge is a test."""
        answer = await self.bare.call(method, path, body)
        self.traffic.refusals[name] = (list(_asked(method, path, body)), answer)
        if answer.status != 200 and not answer.is_stream:
            self.traffic.note_came("ErrorResponse", answer.value)

    def _events(self, answer: Answer) -> list[Event]:
        found = answer.events()
        for event in found:
            value = {"event": event.name, "data": event.data}
            self.traffic.note_came("AssistantStreamEvent", value)
        return found

    async def _accepted(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.bare.call(method, path, body)
        assert answer.status == 200, (method, path, answer.body)
        self._note_sent(method, path, body)
        _, operation = operation_of(method, path)
        self.traffic.note_came(response_schema(operation), answer.value)
        return answer.value

    def _note_sent(self, method: str, path: str, body: Any) -> None:
        for found in _asked(method, path, body):
            self.traffic.sent[found.key].append(found)


def _asked(method: str, path: str, body: Any) -> list[Occurrence]:
    path, _, query = path.partition("?")
    name, operation = operation_of(method, path)
    found = [
        Occurrence(key=(name, parameter), place=name, value=value, other=MISSING)
        for parameter, value in parse_qsl(query)
    ]
    if body is not None and (schema := request_schema(operation)):
        found.extend(occurrences(schema, body))
    return found


def operation_of(method: str, path: str) -> tuple[str, Node]:
    """By the template with the fewest placeholders that fits."""
    path = path.partition("?")[0]
    fitting = [
        (name, operation)
        for name, operation in operations()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", name), f"{method} {path}")
    ]
    assert fitting, f"no operation is {method} {path}"
    return min(fitting, key=lambda found: found[0].count("{"))
