"""`understudy keys`: API keys in the store, also of a server that is running."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from understudy_cli.configuration import Configuration
from understudy_server.auth.keys import ApiKeys, StoredKey
from understudy_server.clock import SystemClock
from understudy_server.store.opener import open_store

ID_SHOWN = 12
"""Characters of a key's id in listings; enough to tell keys apart."""


async def create(configuration: Configuration, *, project: str, name: str) -> None:
    """Prints the key and nothing else, for scripts."""
    async with _Keys(configuration) as keys:
        text, _ = await keys.create(project, name)
    sys.stdout.write(f"{text}\n")


async def list_all(configuration: Configuration) -> None:
    async with _Keys(configuration) as keys:
        found = await keys.list()
    rows = [("ID", "KEY", "PROJECT", "CREATED", "REVOKED", "NAME"), *map(_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


async def revoke(configuration: Configuration, *, which: str) -> None:
    async with _Keys(configuration) as keys:
        stored = await keys.revoke(which)
    sys.stdout.write(f"revoked {stored.key.hint}; servers refuse it within seconds\n")


class _Keys:
    """The keys of the configured store, opened beside a server that may be running."""

    def __init__(self, configuration: Configuration) -> None:
        self._url = configuration.core.store

    async def __aenter__(self) -> ApiKeys:
        clock = SystemClock()
        self._store = await open_store(self._url, clock, beside=True)
        return ApiKeys(store=self._store, clock=clock)

    async def __aexit__(self, *exc: object) -> None:
        await self._store.close()


def _row(stored: StoredKey) -> tuple[str, ...]:
    key = stored.key
    revoked = _time(key.revoked_at) if stored.revoked else "-"
    return (
        stored.id[:ID_SHOWN],
        key.hint,
        key.project,
        _time(key.created_at),
        revoked,
        key.name or "-",
    )


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
