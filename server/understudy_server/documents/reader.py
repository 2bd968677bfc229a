"""The process that reads one document: its bytes are standard input, a file; its text is standard output.

``python -I -m understudy_server.documents.reader PARSER MEMORY SECONDS PARENT``. The answer is a line with one of the
``words`` and the number of bytes that follow, then the text, or a message for the user. Whoever reads must not trust
it any further than that: the document may have taken this process over.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Final

from understudy_server.documents.confinement import confine
from understudy_server.documents.content import Content
from understudy_server.errors import InvalidFile

TEXT: Final = "text"
INVALID: Final = "invalid"

OUT_OF_MEMORY: Final = (
    "The file is too large or broken: reading it takes more memory than is allowed."
)
BROKEN: Final = "The file is broken: it could not be read."


def main(arguments: list[str]) -> None:
    parser, memory, seconds, parent = arguments
    confine(memory=int(memory), seconds=int(seconds), parent=int(parent))
    try:
        answer(TEXT, _read(parser))
    except InvalidFile as error:
        answer(INVALID, error.message)
    except MemoryError:
        answer(INVALID, OUT_OF_MEMORY)
    except Exception:  # noqa: BLE001  # parsers raise what they like about a broken file
        answer(INVALID, BROKEN)


def _read(parser: str) -> str:
    module = import_module(f"understudy_server.documents.parsers.{parser}")
    content = Content()
    with os.fdopen(0, "rb", closefd=False) as file:
        module.read(file, content)
    return content.text()


def answer(word: str, text: str) -> None:
    """Says it and ends the process, without what parsers would still do when they are let go of."""
    data = text.encode()
    left = memoryview(f"{word} {len(data)}\n".encode() + data)
    while left:
        left = left[os.write(1, left) :]
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
