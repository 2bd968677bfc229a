"""From bytes to text, whatever its encoding."""

from __future__ import annotations

import codecs
import re

from understudy_server.errors import InvalidFile

_MARKS = (
    # The longer mark first: UTF-32's begins like UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_SAMPLE = 64 * 1024
"""Bytes by which an encoding is guessed."""

_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_WIDE = bytes(range(128, 256))


def decode(data: bytes, *, declared: str | None = None) -> str:
    """``declared``: what the document itself says of its encoding; believed unless it cannot be.

    A byte order mark wins, then UTF-8. Raises ``InvalidFile`` for what is no text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _readable(data[len(mark) :].decode(encoding, errors="replace"))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        pass
    else:
        if "\0" not in text:
            return _readable(text)
    wide = _without_mark(data[:_SAMPLE])
    if wide is not None:
        return _readable(data.decode(wide, errors="replace"))
    if _is_binary(data[:_SAMPLE]):
        raise InvalidFile("The file does not hold text.")
    return _readable(_decode_legacy(data, declared))


def _decode_legacy(data: bytes, declared: str | None) -> str:
    if declared is not None and _is_known(declared):
        return data.decode(declared, errors="replace")
    # Text in UTF-8 with a few bytes that are broken: a guess would spoil all the rest.
    text = data.decode(errors="replace")
    wide = len(text) - len(data.translate(None, delete=_WIDE))
    if text.count("\ufffd") * 10 <= wide:
        return text
    return data.decode(_guess(data[:_SAMPLE]), errors="replace")


def _guess(sample: bytes) -> str:
    # Loaded by who needs it: most files do not.
    from charset_normalizer import from_bytes  # noqa: PLC0415

    matches = from_bytes(sample)
    best = matches.best()
    if best is None:
        return "cp1252"
    alike = [m for m in matches if m.chaos <= best.chaos and m.coherence + 0.1 >= best.coherence]
    # Two encodings of Cyrillic differ in the case of the letters, and people write few capitals.
    return max(alike, key=lambda m: sum(map(str.islower, str(m)))).encoding


def _without_mark(sample: bytes) -> str | None:
    """UTF-16 of a script whose characters share their high byte leaves it in every other place."""
    pairs = len(sample) // 2
    if not pairs:
        return None
    high_last, high_first = sample[1::2].count(0), sample[0::2].count(0)
    if high_last * 10 >= pairs * 6 and high_first * 20 < pairs:
        return "utf-16-le"
    if high_first * 10 >= pairs * 6 and high_last * 20 < pairs:
        return "utf-16-be"
    return None


def _is_binary(sample: bytes) -> bool:
    if b"\0" in sample:
        return True
    return len(_CONTROLS.findall(sample)) * 50 > len(sample)


def _readable(text: str) -> str:
    """Bytes of anything decode as something: what has many signs of that is no text."""
    sample = text[:_SAMPLE]
    strange = sum(map(sample.count, ("\ufffd", "\0")))
    strange += sum(
        1 for character in sample if character < " " and character not in "\t\n\v\f\r\x1b"
    )
    if strange * 10 > len(sample):
        raise InvalidFile("The file does not hold text.")
    return text


def _is_known(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding)._is_text_encoding  # noqa: SLF001  # there is no public word
    except LookupError:
        return False
