"""How fast files become text and text becomes chunks: `python -m tests.bench.bench_ingestion`.

The documents are Python's own library, as text and wrapped as HTML, Word, PowerPoint and PDF. Each is read as the
server reads it, in a limited process of its own; the first line says what that costs alone.
"""

from __future__ import annotations

import asyncio
import io
import resource
import sysconfig
import time
from collections.abc import AsyncIterator
from pathlib import Path

import docx

from tests.server.documents import samples
from understudy_server.documents.chunking import chunks
from understudy_server.documents.process import ProcessDocuments
from understudy_server.ingest.segment import pieces

_AT_ONCE = 2
_LINES = 50
"""Of a page of PDF."""
_WRAPPED = 40
"""Files that are wrapped, since the libraries that write them are slow."""


def library() -> list[str]:
    folder = Path(sysconfig.get_paths()["stdlib"])
    return [path.read_text("utf-8", errors="replace") for path in sorted(folder.glob("*.py"))]


def as_pdf(text: str) -> tuple[bytes, int]:
    """With its number of pages."""
    lines = [
        "".join(c for c in line if " " <= c < "\x7f" and c not in "\\()")
        for line in text.splitlines()
    ]
    pages = ["\n".join(lines[at : at + _LINES]) for at in range(0, len(lines), _LINES)]
    return samples.pdf(*pages), len(pages)


def as_word(text: str) -> bytes:
    document = docx.Document()
    for paragraph in text.split("\n\n"):
        document.add_paragraph("".join(c for c in paragraph if c >= " " or c in "\n\t"))
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _read(documents: ProcessDocuments, name: str, files: list[bytes]) -> list[str]:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(data: bytes) -> str:
        async with slots:
            return await documents.text(name, _whole(data))

    return await asyncio.gather(*map(one, files))


async def _measure(
    documents: ProcessDocuments, name: str, files: list[bytes], what: str, count: int
) -> None:
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    texts = await _read(documents, name, files)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    size = sum(map(len, texts)) / 1e6
    print(  # noqa: T201
        f"{name:8} {len(files) / seconds:8.1f} files/s {size / seconds:8.2f} MB of text/s"
        f" {count / seconds:10.0f} {what}/s {1000 * spent / len(files):8.0f} ms of processor a file"
    )


async def _measure_chunks(texts: list[str]) -> None:
    for size, overlap in ((800, 400), (100, 50)):
        start = time.perf_counter()
        bounds = [list(chunks(text, size=size, overlap=overlap)) for text in texts]
        seconds = time.perf_counter() - start
        count = sum(map(len, bounds))
        print(f"chunks of {size}/{overlap}: {count / seconds:10.0f} chunks/s")  # noqa: T201
        start = time.perf_counter()
        for text, found in zip(texts, bounds, strict=True):
            async for _ in pieces(text, found, None):
                pass
        seconds = time.perf_counter() - start
        print(f"  as segments without vectors: {count / seconds:10.0f} chunks/s")  # noqa: T201


async def main() -> None:
    texts = library()
    some = sorted(texts, key=len)[-_WRAPPED:]
    pdfs = [as_pdf(text) for text in some]
    documents = ProcessDocuments(memory=1024**3, timeout=300)
    try:
        await _measure(documents, "tiny.txt", [b"x"] * 60, "files", 60)
        data = [text.encode() for text in texts]
        await _measure(documents, "a.txt", data, "files", len(data))
        pages = [f"<html><body><pre>{text}</pre></body></html>".encode() for text in some]
        await _measure(documents, "a.html", pages, "files", len(pages))
        words = [as_word(text) for text in some]
        await _measure(documents, "a.docx", words, "files", len(words))
        slides = [samples.slides(*text.split("\n\n")[:30]) for text in some[:10]]
        await _measure(documents, "a.pptx", slides, "slides", 30 * len(slides))
        count = sum(pages for _, pages in pdfs)
        await _measure(documents, "a.pdf", [data for data, _ in pdfs], "pages", count)
    finally:
        await documents.close()
    await _measure_chunks(texts)


if __name__ == "__main__":
    asyncio.run(main())
