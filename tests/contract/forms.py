"""Forms as bytes, so that a test decides what goes over the wire."""

from __future__ import annotations

from collections.abc import Mapping

BOUNDARY = "a-boundary"
HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def form(
    fields: Mapping[str, str],
    content: bytes | None = b"hello",
    *,
    name: str = "file",
    filename: str = "a.txt",
) -> bytes:
    """The fields, then a file unless ``content`` is None."""
    lines = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{text}\r\n'.encode()
        for field, text in fields.items()
    ]
    if content is not None:
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'
        lines.append(f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()
