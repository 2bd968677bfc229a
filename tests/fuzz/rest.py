"""Random and mutated HTTP requests to every operation that the server describes."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp

from tests.fuzz.values import Values

_ODD_SEGMENTS = ("%00", "..", "a%2fb", "%ff", "%C3%BC", "x" * 300, "-")
_FIELDS = re.compile(r'"([a-z_]{2,40})"')


@dataclass(frozen=True, kw_only=True)
class Case:
    method: str
    path: str
    """Escaped, from ``/v1`` on."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    body: bytes | None = None
    form: tuple[tuple[str, str, str | None], ...] | None = None
    """Name, value, file name."""

    def options(self) -> dict[str, Any]:
        """For aiohttp."""
        if self.form is not None:
            form = aiohttp.FormData(default_to_multipart=True)
            for name, value, filename in self.form:
                form.add_field(name, value, filename=filename)
            return {"data": form, "headers": self.headers}
        if self.body is not None:
            return {"data": self.body, "headers": self.headers}
        return {"json": self.json, "headers": self.headers}


class Cases:
    """Draws cases for the operations of an OpenAPI ``document``. ``ids``, by path variable, may grow."""

    def __init__(
        self, source: random.Random, document: Mapping[str, Any], ids: Mapping[str, str]
    ) -> None:
        self._source = source
        self._ids = ids
        self._operations = [
            (method, path)
            for path, methods in document["paths"].items()
            for method in methods
            if path.startswith("/v1/")
        ]
        words = sorted(set(_FIELDS.findall(str(document).replace("'", '"'))))
        self._values = Values(source, words, [])

    def draw(self) -> Case:
        method, template = self._source.choice(self._operations)
        path = re.sub(r"{(\w+)}", self._segment, template)
        query = {}
        if self._source.random() < 0.4:
            names = (
                "limit",
                "order",
                "after",
                "before",
                "filter",
                "include[]",
                "status",
                "purpose",
            )
            query = {self._source.choice(names): self._values.text()}
        given: dict[str, Any] = {"method": method.upper(), "path": path, "query": query}
        if method != "post":
            return Case(**given)
        draw = self._source.random()
        if draw < 0.15:
            return Case(**given, form=self._form())
        if draw < 0.25:
            return Case(
                **given,
                body=self._source.randbytes(self._source.randrange(80)),
                headers={"Content-Type": "application/json"},
            )
        if draw < 0.3:
            return Case(
                **given,
                body=b"--x\r\n" + self._source.randbytes(60),
                headers={"Content-Type": "multipart/form-data; boundary=x"},
            )
        return Case(**given, json=self._body())

    def _segment(self, match: re.Match[str]) -> str:
        if self._source.random() < 0.1:
            return self._source.choice(_ODD_SEGMENTS)
        return quote(self._ids.get(match[1], "none"), safe="")

    def _body(self) -> dict[str, Any]:
        body = self._values.object(self._source.randrange(5))
        for name in list(body):
            known = name.removesuffix("s")
            if known in self._ids and self._source.random() < 0.8:
                id = self._ids[known]
                body[name] = [id] if name.endswith("s") else id
        return body

    def _form(self) -> tuple[tuple[str, str, str | None], ...]:
        names = ("file", "data", "purpose", "expires_after[seconds]", "expires_after[anchor]", "x")
        filenames = (None, None, "a.txt", "../b", "\u2028", "c.pdf")
        return tuple(
            (
                self._source.choice(names),
                self._values.text(),
                self._source.choice(filenames),
            )
            for _ in range(self._source.randrange(4))
        )
