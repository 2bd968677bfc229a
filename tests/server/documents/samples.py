"""Documents made on the spot: good ones, and such as nobody should upload."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence

import docx
import pptx

WORD_PARTS = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/word/document.xml" ContentType="application/'
        'vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    ),
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/officeDocument" Target="word/document.xml"/></Relationships>'
    ),
}
WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def word_xml(xml: str, **others: bytes) -> bytes:
    """A Word file whose document is this XML."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, part in WORD_PARTS.items():
            package.writestr(name, part)
        package.writestr("word/document.xml", xml)
        for name, data in others.items():
            package.writestr(name, data)
    return out.getvalue()


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def word_body(body: str) -> bytes:
    return word_xml(f"<w:document {WORD}><w:body>{body}</w:body></w:document>")


def word(*texts: str) -> bytes:
    document = docx.Document()
    for text in texts:
        document.add_paragraph(text)
    return saved(document)


def slides(*texts: str) -> bytes:
    presentation = pptx.Presentation()
    for text in texts:
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = text
    return saved(presentation)


def saved(document: object) -> bytes:
    out = io.BytesIO()
    document.save(out)  # type: ignore[attr-defined]  # both libraries have it
    return out.getvalue()


def bomb(kind: str, size: int) -> bytes:
    """A package with one part that is ``size`` times a space; small, as it is stored."""
    out = io.BytesIO()
    source = word("x") if kind == "docx" else slides("x")
    place = "word/document.xml" if kind == "docx" else "ppt/presentation.xml"
    with (
        zipfile.ZipFile(io.BytesIO(source)) as parts,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package,
    ):
        for name in parts.namelist():
            if name != place:
                package.writestr(name, parts.read(name))
        with package.open(place, "w") as part:
            for piece in _spaces(size):
                part.write(piece)
    return out.getvalue()


def _spaces(size: int) -> Iterator[bytes]:
    piece = b" " * 1024 * 1024
    for start in range(0, size, len(piece)):
        yield piece[: size - start]


def pdf(*pages: str, encrypt: str = "") -> bytes:
    """Pages of text in one column; ``encrypt``: what is said of an encryption in the trailer."""
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids ["
        + " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
        + "] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        lines = " ".join(f"({line}) Tj T*" for line in text.split("\n"))
        stream = f"BT /F1 12 Tf 14 TL 50 750 Td {lines} ET"
        objects += [
            (
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
                f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>"
            ),
            f"<< /Length {len(stream)} >> stream\n{stream}\nendstream",
        ]
    return pdf_of(objects, trailer=encrypt)


def pdf_of(objects: Sequence[str], *, trailer: str = "") -> bytes:
    """A file of these objects; the first one is its catalog."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for place in places:
        out += f"{place:010} 00000 n \n".encode()
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\n".encode()
    out += f"startxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


ENCRYPTED = (
    "/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] "
    f"/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O <{'ab' * 32}> /U <{'cd' * 32}> >>"
)
"""A password that nobody knows."""


def deflated_pdf(size: int) -> bytes:
    """One page whose content unpacks to ``size`` bytes."""
    packer = zlib.compressobj(9)
    stream = b"".join([*map(packer.compress, _spaces(size)), packer.flush()]).decode("latin-1")
    return pdf_of(
        [
            "<< /Type /Catalog /Pages 2 0 R >>",
            "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>",
            f"<< /Length {len(stream)} /Filter /FlateDecode >> stream\n{stream}\nendstream",
        ]
    )
