"""What is taken from documents of each kind."""

from __future__ import annotations

import io

import docx
import pptx
import pytest

from tests.server.documents import samples
from understudy_server.documents.content import Content
from understudy_server.documents.parsers import docx as word
from understudy_server.documents.parsers import html, pdf, text
from understudy_server.documents.parsers import pptx as slides


def taken(parser: object, data: bytes) -> str:
    content = Content()
    parser.read(io.BytesIO(data), content)  # type: ignore[attr-defined]  # a module
    return content.text()


def test_text() -> None:
    assert taken(text, b"one\r\ntwo\n\n") == "one\ntwo"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>one<p>two", "one\n\ntwo"),
        ("<h1>A</h1>text<br>more", "A\n\ntext\nmore"),
        ("a <b>bold</b>  word,\n again", "a bold word, again"),
        ("<b>a</b><i>b</i> c", "ab c"),
        ("<ul><li>x</li><li>y</ul>", "- x\n- y"),
        ("<table><tr><th>n<th>v<tr><td>1</td><td>2</td></tr></table>", "n | v\n1 | 2"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("&lt;p&gt; &eacute;&#8364;&nbsp;", "<p> é€"),
        ("<title>T</title><style>p{}</style>x<script>no('</p>')</script>y", "T\n\nxy"),
        ("a<svg><text>no</text><svg></svg></svg>b<template>no</template>", "ab"),
        ("<p>a<!-- no --><!DOCTYPE html>b</p>", "ab"),
        ("<div><div><div>a</div></div>b</div>", "a\nb"),
        ("<br/>a<hr/>b", "a\n\nb"),
        ("<p>a &amp b &unknown; c < d", "a & b &unknown; c < d"),
        ("<script>never ended", None),
    ],
)
def test_html(page: str, expected: str | None) -> None:
    if expected is None:
        page, expected = f"seen<p>{page}", "seen"
    assert taken(html, page.encode()).replace("\xa0", " ").rstrip() == expected


def test_html_that_says_its_encoding() -> None:
    page = '<html><meta charset="windows-1251"><p>Привет'
    assert taken(html, page.encode("cp1251")) == "Привет"


def test_html_of_any_depth() -> None:
    depth = 100_000
    page = "<div>" * depth + "deep" + "</div>" * depth
    assert taken(html, page.encode()) == "deep"


def test_html_is_cut_into_pieces_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    page = b"<p>one &amp; two</p><script>if (a < b) {}</script><p>thr<!-- x -->ee</p>"
    whole = taken(html, page)
    monkeypatch.setattr(html, "_AT_ONCE", 1)
    assert "".join(taken(html, page).split()) == "".join(whole.split())


def test_pdf() -> None:
    found = taken(pdf, samples.pdf("First page\nsecond line", "Second page"))
    assert found == "First page\nsecond line\n\f\nSecond page"


def test_word() -> None:
    document = docx.Document()
    document.add_heading("Title", 1)
    document.add_paragraph("One\ttwo\nthree")
    table = document.add_table(2, 2)
    for place, cell in zip("abcd", [c for row in table.rows for c in row.cells], strict=True):
        cell.text = place
    table.cell(1, 1).add_table(1, 1).cell(0, 0).text = "inner"
    document.add_paragraph("After", style="List Bullet")
    document.add_section().header.paragraphs[0].text = "Header"
    document.sections[0].footer.paragraphs[0].text = "Footer"
    assert taken(word, samples.saved(document)) == (
        "Title\n\nOne\ttwo\nthree\n\na | b\nc | d inner\n\nAfter\n\nHeader\n\nFooter"
    )


def test_word_with_revisions_links_and_boxes() -> None:
    body = (
        "<w:p><w:ins><w:r><w:t>added</w:t></w:r></w:ins><w:del><w:r><w:delText>gone</w:delText>"
        "</w:r></w:del><w:hyperlink><w:r><w:t> link</w:t></w:r></w:hyperlink></w:p>"
        f"<w:sdt><w:sdtContent>{samples.paragraph('control')}</w:sdtContent></w:sdt>"
        f"<w:p><w:r><w:t>text</w:t></w:r><w:r><w:txbxContent>{samples.paragraph('box')}"
        "</w:txbxContent></w:r></w:p>"
    )
    assert taken(word, samples.word_body(body)) == "added link\n\ncontrol\n\ntext\nbox"


def test_slides() -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Title"
    slide.placeholders[1].text = "One\nTwo"
    slide.notes_slide.notes_text_frame.text = "Say this"
    other = presentation.slides.add_slide(presentation.slide_layouts[6])
    shape = other.shapes.add_table(1, 2, 0, 0, 100, 100)
    shape.table.cell(0, 0).text, shape.table.cell(0, 1).text = "a", "b"
    group = other.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, 10, 10).text_frame.text = "grouped"
    assert taken(slides, samples.saved(presentation)) == (
        "Title\n\nOne\nTwo\n\nNotes: Say this\n\n\f\na | b\n\ngrouped"
    )
