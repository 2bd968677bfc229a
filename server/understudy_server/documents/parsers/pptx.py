"""PowerPoint presentations: a page for each slide, with tables and the speaker's notes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

import pptx

from understudy_server.documents import packages
from understudy_server.documents.content import PAGE, Content


def read(file: BinaryIO, content: Content) -> None:
    packages.check(file, "PowerPoint (.pptx)")
    for slide in pptx.Presentation(file).slides:
        _shapes(slide.shapes, content)
        if slide.has_notes_slide:
            notes = slide.notes_slide.notes_text_frame
            if notes is not None and notes.text.strip():
                content.add(f"Notes: {notes.text}\n")
        content.add(PAGE)


def _shapes(shapes: Iterable[Any], content: Content) -> None:
    waiting = [iter(shapes)]
    while waiting:
        shape = next(waiting[-1], None)
        if shape is None:
            waiting.pop()
        elif hasattr(shape, "shapes"):
            waiting.append(iter(shape.shapes))
        elif shape.has_text_frame:
            text = shape.text_frame.text
            if text.strip():
                content.add(f"{text}\n\n")
        elif getattr(shape, "has_table", False):
            _table(shape.table, content)


def _table(table: Any, content: Content) -> None:
    """A line for each row."""
    for row in table.rows:
        cells = [" ".join(cell.text.split()) for cell in row.cells]
        if any(cells):
            content.add(" | ".join(cells) + "\n")
    content.add("\n")
