"""How a copy ends when it does not succeed, and what it has seen so far."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_server.errors import DomainError


class CopyRefused(DomainError):
    """Something that whoever asked for it has to change; what is in the target stays as it was."""


class CopyFailed(DomainError):
    """The target does not hold what the source holds."""


@dataclass(slots=True, kw_only=True)
class Counts:
    partitions: int = 0
    records: int = 0
    logs: int = 0
    entries: int = 0
    bytes: int = 0
    """Of bodies."""
    written: int = 0
    """Records and entries that had to be written: an earlier start may have left the others."""

    def add(self, other: Counts) -> None:
        self.partitions += other.partitions
        self.records += other.records
        self.logs += other.logs
        self.entries += other.entries
        self.bytes += other.bytes
        self.written += other.written

    def __str__(self) -> str:
        numbers = {
            "partitions": self.partitions,
            "records": self.records,
            "logs": self.logs,
            "entries": self.entries,
        }
        parts = [f"{number:,} {name}" for name, number in numbers.items() if number]
        return ", ".join([*parts, f"{self.bytes / 1e6:,.1f} MB"] if self.records else parts)
