"""The text that a parser gathers: clean, and never more than a bound."""

from __future__ import annotations

import re

from understudy_server.errors import InvalidFile

MAX_TEXT = 16 * 1024 * 1024
"""Bytes of UTF-8 that are taken from one file at most: about four million tokens of prose."""

PAGE = "\n\f\n"
"""Between the pages of a document."""

_UNWANTED = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff\ufeff\ud800-\udfff]")


class Content:
    """Grows by ``add``."""

    def __init__(self, limit: int = MAX_TEXT) -> None:
        self._limit = limit
        self._size = 0
        self._pieces: list[str] = []

    def add(self, text: str) -> None:
        """Line ends become newlines; what no text holds (NUL, lone surrogates, ...) goes.

        Raises ``InvalidFile`` once there is too much.
        """
        text = clean(text)
        self._size += len(text.encode())
        if self._size > self._limit:
            raise too_much(self._limit)
        self._pieces.append(text)

    def joined(self) -> str:
        return "".join(self._pieces)

    def text(self) -> str:
        """Raises ``InvalidFile`` where there is none."""
        text = self.joined().rstrip()
        if not text or text.isspace():
            raise InvalidFile("The file has no text.")
        return text


def clean(text: str) -> str:
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def too_much(limit: int = MAX_TEXT) -> InvalidFile:
    return InvalidFile(
        f"The file is too large: it has more than {limit // (1024 * 1024)} MB of text."
    )
