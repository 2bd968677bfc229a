"""What the parsers of Office files share: they are ZIP packages of XML."""

from __future__ import annotations

import zipfile
from typing import BinaryIO

from understudy_server.errors import InvalidFile

_OLE = b"\xd0\xcf\x11\xe0"
"""How the older Office formats begin, and encrypted ones of the newer."""

MOST = 512 * 1024 * 1024
"""Bytes that the parts of a package may unpack to."""


def check(file: BinaryIO, kind: str) -> None:
    """``kind`` is how the format is called in a message, ``Word (.docx)``. Raises ``InvalidFile``."""
    if file.read(4) == _OLE:
        raise InvalidFile(f"The file is encrypted, or of an older format than {kind}.")
    try:
        with zipfile.ZipFile(file) as package:
            size = sum(part.file_size for part in package.infolist())
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise InvalidFile(f"The file is not a {kind} document, or is broken.") from error
    if size > MOST:
        raise InvalidFile(f"The file is too large: it unpacks to {size} bytes.")
    file.seek(0)
