"""Which names a file may have."""

from __future__ import annotations

import unicodedata

from understudy_server import refused_values as words
from understudy_server.errors import InvalidRequest


def check_filename(name: str) -> None:
    """Any text that can be shown. It is stored as it is and never becomes a path.

    Raises ``InvalidRequest`` for a blank name and for one with control characters.
    """
    if not name.strip():
        raise words.empty_text("filename")
    for character in name:
        if unicodedata.category(character) == "Cc":
            raise InvalidRequest(
                f"Invalid 'filename': the control character U+{ord(character):04X} is not allowed.",
                reason="INVALID_VALUE",
                param="filename",
            )
