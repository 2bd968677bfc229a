"""``Content-Disposition``: names of fields and files out of forms, and names of files into answers. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote_to_bytes

_KIND: Final = re.compile(r"\s*([A-Za-z-]+)\s*(?=;|$)")
# A quote that ends a value is followed by the next parameter, so that a name may end in a backslash, which
# browsers do not double.
_PARAMETER: Final = re.compile(
    r"""\s*;\s*(?P<key>[\w!#$%&'*+.^`|~-]+)\s*=\s*
    (?:"(?P<quoted>(?:\\"|[^"])*)"|(?P<token>[^\s;"]+))\s*(?=;|$)""",
    re.ASCII | re.VERBOSE,
)
_ESCAPED: Final = re.compile(r'\\(["\\])|%(22|0D|0A)')
_EXTENDED: Final = re.compile(r"(?P<charset>[\w-]+)'[^']*'(?P<text>.*)", re.ASCII)
_CHARSETS: Final = frozenset({"utf-8", "iso-8859-1"})

_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9 ._-]")
_UNENCODED: Final = "!#$&+.^_`|~-"


def parse_disposition(value: str) -> tuple[str, dict[str, str]]:
    """The kind and the parameters, such as ``("form-data", {"name": "file", "filename": "a.txt"})``.

    A ``filename*`` replaces the ``filename``. Quotes and line ends come back however the client hid them: behind
    a backslash, or percent-encoded. Raises ``ValueError``.
    """
    kind = _KIND.match(value)
    if kind is None:
        raise ValueError("no kind")
    parameters: dict[str, str] = {}
    at = kind.end()
    while at < len(value):
        found = _PARAMETER.match(value, at)
        if found is None:
            raise ValueError("not a list of parameters")
        key = found["key"].lower()
        if key in parameters:
            raise ValueError(f"{key} is there twice")
        quoted = found["quoted"]
        parameters[key] = found["token"] if quoted is None else _ESCAPED.sub(_plain, quoted)
        at = found.end()
    extended = parameters.pop("filename*", None)
    if extended is not None:
        parameters["filename"] = _extended(extended)
    return kind[1].lower(), parameters


def _plain(escaped: re.Match[str]) -> str:
    return escaped[1] or chr(int(escaped[2], 16))


def _extended(value: str) -> str:
    found = _EXTENDED.fullmatch(value)
    if found is None or found["charset"].lower() not in _CHARSETS:
        raise ValueError("filename* is not in UTF-8")
    return unquote_to_bytes(found["text"]).decode(found["charset"])


def attachment(filename: str) -> str:
    """The header that offers bytes under a file's name, without its folders; ASCII, whatever the name holds."""
    name = re.split(r"[/\\]", filename)[-1] or "file"
    plain = _NOT_PLAIN.sub("_", name)
    header = f'attachment; filename="{plain}"'
    if plain == name:
        return header
    return f"{header}; filename*=UTF-8''{quote(name.encode(errors='replace'), safe=_UNENCODED)}"
