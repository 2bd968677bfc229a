"""Reading server-sent events byte by byte, for tests that look below an SDK."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Event:
    """``data`` is the text behind ``data:``; ``id`` is empty if there was none."""

    name: str
    data: str
    id: str


class EventReader:
    """Cuts a byte stream into events, comments left out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[Event]:
        *blocks, self._rest = (self._rest + chunk).split(b"\n\n")
        for block in blocks:
            fields: dict[str, str] = {}
            for line in block.decode().split("\n"):
                name, _, value = line.partition(": ")
                fields[name] = value
            if "data" in fields:
                yield Event(name=fields["event"], data=fields["data"], id=fields.get("id", ""))
