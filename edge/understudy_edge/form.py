"""One form that uploads bytes: its one part of bytes, its fields, and what is wrong with it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from understudy_edge.multipart import End, FormParser, Part, broken
from understudy_edge.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PARTS: Final = 100
MOST_TEXT: Final = 64 * 1024
"""Bytes of all fields together, the bytes that are uploaded apart."""


class Form:
    """Fed with the body, it gives the bytes of the part ``name`` as they come, and keeps the fields."""

    def __init__(self, boundary: bytes, *, name: str, named: bool) -> None:
        """``named``: whether the part of bytes must have a file name."""
        self._parser = FormParser(boundary)
        self._name = name
        self._named = named
        self._part: Part | None = None
        self._parts = 0
        self._text: list[bytes] = []
        self._text_size = 0
        self._found = False
        self.filename = ""
        self.fields: dict[str, str] = {}

    @property
    def ended(self) -> bool:
        return self._parser.ended

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raises ``Problem``. To be read to its end before the next piece is fed."""
        for event in self._parser.feed(data):
            if isinstance(event, Part):
                self._begin(event)
            elif isinstance(event, bytes):
                if self._holds_bytes():
                    yield event
                else:
                    self._keep(event)
            elif event is End.PART:
                self._end_part()

    def close(self) -> None:
        """To be called where the body ends. Raises ``Problem`` unless the form is whole."""
        if not self.ended:
            raise broken("it ends in the middle")
        if not self._found:
            raise Problem(
                "MISSING_REQUIRED_PARAMETER",
                f"Missing required parameter: '{self._name}'.",
                self._name,
            )

    def _holds_bytes(self) -> bool:
        return self._part is not None and self._part.name == self._name

    def _begin(self, part: Part) -> None:
        self._part = part
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise broken(f"it has more than {MOST_PARTS} parts")
        if part.name in self.fields or (part.name == self._name and self._found):
            raise Problem(
                "INVALID_VALUE",
                f"Invalid '{part.name}': the form has more than one part of this name.",
                part.name,
            )
        if part.name == self._name:
            self._found = True
            self.filename = part.filename or ""
            if self._named and not self.filename:
                raise Problem(
                    "INVALID_VALUE",
                    f"Invalid '{part.name}': expected a file with a name.",
                    part.name,
                )
        elif part.filename is not None:
            raise Problem(
                "INVALID_TYPE",
                f"Invalid type for '{part.name}': expected a string, but got a file instead.",
                part.name,
            )

    def _keep(self, text: bytes) -> None:
        self._text_size += len(text)
        if self._text_size > MOST_TEXT:
            raise broken(f"its fields hold more than {MOST_TEXT} bytes, '{self._name}' apart")
        self._text.append(text)

    def _end_part(self) -> None:
        part, self._part = self._part, None
        if part is None or part.name == self._name:
            return
        text, self._text = b"".join(self._text), []
        try:
            self.fields[part.name] = text.decode()
        except UnicodeDecodeError as error:
            raise Problem(
                "INVALID_VALUE", f"Invalid '{part.name}': string is not UTF-8.", part.name
            ) from error
