"""HTML as it is read: without scripts and styles, a line for each block."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import BinaryIO, TypeAlias

from understudy_server.documents.content import Content
from understudy_server.documents.decoding import decode
from understudy_server.errors import InvalidFile

_MOST = 64 * 1024 * 1024
"""Bytes of HTML."""

_AT_ONCE = 1024 * 1024
"""Characters that the parser gets at a time, so that the end of too much text is not waited for."""

_HIDDEN = frozenset(["script", "style", "template", "noscript", "svg", "math", "object", "iframe"])

_PARAGRAPHS = frozenset(
    [
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "body",
            "details",
            "dl",
            "fieldset",
            "figure",
        ),
        *(
            "footer",
            "form",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "header",
            "hr",
            "main",
            "nav",
            "ol",
        ),
        *("p", "pre", "section", "table", "title", "ul"),
    ]
)
_LINES = frozenset(
    ["br", "caption", "dd", "div", "dt", "figcaption", "li", "option", "summary", "tr"]
)
_Attributes: TypeAlias = Sequence[tuple[str, str | None]]

_SPACE = re.compile(r"[ \t\n\r\f\v]+")
_CHARSET = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,200}(?:charset|encoding)\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE
)


def read(file: BinaryIO, content: Content) -> None:
    data = file.read(_MOST + 1)
    if len(data) > _MOST:
        raise InvalidFile(f"The file is too large: HTML of more than {_MOST // 1024**2} MB.")
    declared = _CHARSET.search(data[:4096])
    text = decode(data, declared=declared[1].decode("ascii", "replace") if declared else None)
    del data
    reader = _Reader(content)
    for start in range(0, len(text), _AT_ONCE):
        reader.feed(text[start : start + _AT_ONCE])
    reader.close()


class _Reader(HTMLParser):
    """Adds to ``content`` as it goes, and keeps no tree, so that no depth is too deep."""

    def __init__(self, content: Content) -> None:
        super().__init__(convert_charrefs=True)
        self._content = content
        self._hidden = ""
        """The element that is left out ..."""
        self._depth = 0
        """... and how many of its kind are open."""
        self._pre = 0
        self._breaks = 2
        """Newlines at the end of what was added."""
        self._space = False
        """Whether a space is due before the next word."""

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:  # noqa: ARG002  # its name is the base's
        if self._hidden:
            self._depth += tag == self._hidden
            return
        if tag in _HIDDEN:
            self._hidden, self._depth = tag, 1
            return
        self._border(tag)
        if tag == "pre":
            self._pre += 1
        elif tag == "li":
            self._write("- ")
        elif tag in {"td", "th"} and not self._breaks:
            self._write(" | ")

    def handle_startendtag(self, tag: str, attrs: _Attributes) -> None:  # noqa: ARG002  # as above
        if not self._hidden and tag not in _HIDDEN:
            self._border(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            self._depth -= tag == self._hidden
            if not self._depth:
                self._hidden = ""
            return
        if tag == "pre":
            self._pre = max(0, self._pre - 1)
        self._border(tag)

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._pre:
            self._write(data)
            return
        words = _SPACE.sub(" ", data)
        if words.startswith(" ") and not self._breaks:
            self._space = True
        stripped = words.strip(" ")
        if not stripped:
            return
        self._write(f" {stripped}" if self._space else stripped)
        self._space = words.endswith(" ")

    def _border(self, tag: str) -> None:
        wanted = 2 if tag in _PARAGRAPHS else 1 if tag in _LINES else 0
        if wanted > self._breaks:
            self._content.add("\n" * (wanted - self._breaks))
            self._breaks = wanted
        if wanted:
            self._space = False

    def _write(self, text: str) -> None:
        self._content.add(text)
        if text:
            self._breaks = len(text) - len(text.rstrip("\n"))
            self._space = False
