"""Word documents: python-docx opens them; the text is taken from their XML, revisions and text boxes included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import docx
from docx.opc.constants import RELATIONSHIP_TYPE as RELATIONSHIPS
from docx.oxml import parse_xml
from docx.oxml.ns import qn

from understudy_server.documents import packages
from understudy_server.documents.content import Content

_PARAGRAPH, _TABLE = qn("w:p"), qn("w:tbl")
_WRAPPED = "./w:sdt/w:sdtContent"
_TEXT, _HYPHEN = qn("w:t"), qn("w:noBreakHyphen")
_TAB, _BREAKS = qn("w:tab"), frozenset([qn("w:br"), qn("w:cr")])
_PROPERTIES = qn("w:pPr")
# Written once more for programs that know no text boxes.
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_APART = (
    RELATIONSHIPS.HEADER,
    RELATIONSHIPS.FOOTNOTES,
    RELATIONSHIPS.ENDNOTES,
    RELATIONSHIPS.COMMENTS,
    RELATIONSHIPS.FOOTER,
)


def read(file: BinaryIO, content: Content) -> None:
    packages.check(file, "Word (.docx)")
    document = docx.Document(file)
    _blocks(document.element.body, content)
    seen = set()
    for kind in _APART:
        for relation in document.part.rels.values():
            if relation.reltype != kind or relation.is_external:
                continue
            root = parse_xml(relation.target_part.blob)
            part = Content()
            _blocks(root, part)
            text = part.joined()
            # Each section names its headers again.
            if text.strip() and text not in seen:
                seen.add(text)
                content.add(text)


def _blocks(parent: Any, content: Content) -> None:
    """The paragraphs and tables in ``parent``, in order, in whatever they are wrapped."""
    waiting = [iter(parent)]
    while waiting:
        element = next(waiting[-1], None)
        if element is None:
            waiting.pop()
        elif element.tag == _PARAGRAPH:
            text = "".join(_pieces(element)).strip("\n")
            if text.strip():
                content.add(f"{text}\n\n")
        elif element.tag == _TABLE:
            _table(element, content)
        elif element.tag != _FALLBACK:
            waiting.append(iter(element))


def _table(table: Any, content: Content) -> None:
    """A line for each row."""
    for row in table.xpath(f"./w:tr | {_WRAPPED}/w:tr"):
        found = row.xpath(f"./w:tc | {_WRAPPED}/w:tc")
        cells = [" ".join("".join(_pieces(cell)).split()) for cell in found]
        if any(cells):
            content.add(" | ".join(cells) + "\n")
    content.add("\n")


def _pieces(parent: Any) -> Iterator[str]:
    """The text inside, paragraphs in it each on a line of its own."""
    waiting = [iter(parent)]
    while waiting:
        element = next(waiting[-1], None)
        if element is None:
            waiting.pop()
        elif element.tag == _TEXT:
            yield element.text or ""
        elif element.tag == _TAB:
            yield "\t"
        elif element.tag in _BREAKS:
            yield "\n"
        elif element.tag == _HYPHEN:
            yield "-"
        elif element.tag not in {_PROPERTIES, _FALLBACK}:
            if element.tag == _PARAGRAPH:
                yield "\n"
            waiting.append(iter(element))
