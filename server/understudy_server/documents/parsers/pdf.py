"""PDF, by PDFium."""

from __future__ import annotations

import re
from typing import BinaryIO

import pypdfium2
from pypdfium2 import raw

from understudy_server.documents.content import PAGE, Content
from understudy_server.errors import InvalidFile

_HYPHEN = re.compile("(?:\ufffe|\x02)\r?\n?")
"""As PDFium gives the hyphen of a word that was divided at the end of a line."""


def read(file: BinaryIO, content: Content) -> None:
    if b"%PDF-" not in file.read(1024):
        raise InvalidFile("The file is not a PDF.")
    try:
        document = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        if raw.FPDF_GetLastError() in {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}:
            raise InvalidFile("The PDF is encrypted: it needs a password.") from error
        raise InvalidFile("The PDF is broken.") from error
    pages = broken = 0
    for number in range(len(document)):
        pages += 1
        try:
            text = _page(document, number)
        except pypdfium2.PdfiumError:
            broken += 1
            continue
        content.add(text + PAGE)
    if broken == pages:
        raise InvalidFile("The PDF is broken: it has no page that can be read.")


def _page(document: pypdfium2.PdfDocument, number: int) -> str:
    page = document[number]
    try:
        text = page.get_textpage()
        try:
            found: str = text.get_text_bounded()
        finally:
            text.close()
    finally:
        page.close()
    return _HYPHEN.sub("", found)
