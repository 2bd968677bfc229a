"""Which names a file may have."""

from __future__ import annotations

import unicodedata

from understudy_server.errors import InvalidRequest


def check_filename(name: str) -> None:
    """Any text that can be shown. It is stored as it is and never becomes a path.

    Raises ``InvalidRequest`` for a blank name and for one with control characters.
    """
    if not name.strip():
        raise InvalidRequest(
            "Invalid 'filename': empty string. Expected a string with minimum length 1, "
            "but got an empty string instead.",
            reason="INVALID_VALUE",
            param="filename",
        )
    for character in name:
        if unicodedata.category(character) == "Cc":
            raise InvalidRequest(
                f"Invalid 'filename': the control character U+{ord(character):04X} is not allowed.",
                reason="INVALID_VALUE",
                param="filename",
            )
