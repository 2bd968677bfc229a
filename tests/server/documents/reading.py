"""Reading documents as the server does."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from understudy_server.documents.process import ProcessDocuments

HOSTILE = (sys.executable, "-I", str(Path(__file__).with_name("hostile_reader.py")))
"""A reader that does what the document says; see there."""


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[ProcessDocuments]:
    documents = ProcessDocuments(**{"memory": 1024**3, "timeout": 300, **options})
    try:
        yield documents
    finally:
        await documents.close()


async def read(documents: ProcessDocuments, filename: str, data: bytes) -> str:
    return await documents.text(filename, chunks(data))


async def chunks(data: bytes, size: int = 256 * 1024) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
