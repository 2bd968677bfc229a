"""A bare HTTP client: what it is given goes over the wire as it is, and every answer is held to the description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from tests.contract.schema import validate_event, validate_response

BETA = {"OpenAI-Beta": "assistants=v2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One server-sent event. ``data`` is parsed, except that of ``done``."""

    name: str
    data: Any
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def value(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error object; raises ``AssertionError`` when there is none."""
        assert list(self.value) == ["error"], self.body
        error: dict[str, Any] = self.value["error"]
        assert list(error) == ["message", "type", "param", "code"], error
        return error

    @property
    def is_stream(self) -> bool:
        return self.headers["content-type"] == "text/event-stream; charset=utf-8"

    @property
    def is_file(self) -> bool:
        return self.headers["content-type"] == "application/octet-stream"

    def events(self) -> list[Event]:
        """Every event, each held to the description."""
        assert self.is_stream, self.body
        found = []
        for block in self.body.decode().removesuffix("\n\n").split("\n\n"):
            if block.startswith(":"):
                continue
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            data = fields["data"] if fields["event"] == "done" else json.loads(fields["data"])
            validate_event(fields["event"], data)
            found.append(Event(name=fields["event"], data=data, id=fields.get("id", "")))
        return found


class Api:
    """Calls one server as one project. Paths begin after ``/v1``."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str) -> None:
        """``url`` ends in ``/v1``."""
        self.session = session
        self.url = url
        self.origin = url.removesuffix("/v1")
        self.headers = {"Authorization": f"Bearer {key}", **BETA}

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: Any = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """``body`` is sent as JSON, ``raw`` as it is; a header that is None is left out."""
        given: dict[str, str | None] = dict(self.headers)
        data = raw
        if body is not None:
            data = json.dumps(body, ensure_ascii=False).encode(errors="surrogatepass")
            given["Content-Type"] = "application/json"
        given |= headers or {}
        sent = {name: value for name, value in given.items() if value is not None}
        skip = [] if "Content-Type" in sent else ["Content-Type"]
        async with self.session.request(
            method,
            URL(self.url + path, encoded=True),
            data=data,
            headers=sent,
            skip_auto_headers=skip,
        ) as response:
            answer = Answer(
                status=response.status, headers=response.headers, body=await response.read()
            )
        if answer.body and not answer.is_stream and not answer.is_file:
            validate_response(method, path, answer.status, answer.value)
        return answer

    async def get(self, path: str) -> Any:
        return _good(await self.call("GET", path))

    async def post(self, path: str, body: Any = None) -> Any:
        return _good(await self.call("POST", path, body))

    async def delete(self, path: str) -> Any:
        return _good(await self.call("DELETE", path))

    async def stream(self, path: str, body: Mapping[str, Any]) -> list[Event]:
        answer = await self.call("POST", path, {**body, "stream": True})
        assert answer.status == 200, answer.body
        return answer.events()

    async def assistant(self, **fields: Any) -> Any:
        return await self.post("/assistants", {"model": "demo/demo", **fields})

    async def thread(self, *texts: str, **fields: Any) -> Any:
        """With a user's message for each text."""
        messages = [{"role": "user", "content": text} for text in texts]
        return await self.post("/threads", {"messages": messages, **fields})

    async def run(self, assistant: Any, thread: Any, **fields: Any) -> Any:
        """A run that has ended, or waits for tool outputs."""
        path = f"/threads/{thread['id']}/runs"
        return await self.post(path, {"assistant_id": assistant["id"], "wait": True, **fields})


def _good(answer: Answer) -> Any:
    assert answer.status == 200, answer.body
    return answer.value
