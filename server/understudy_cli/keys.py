"""`understudy keys`: API keys in the store, also of a server that is running."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from understudy_cli.configuration import Configuration
from understudy_server.auth.keys import ApiKeys
from understudy_server.auth.scopes import SCOPES
from understudy_server.auth.stored_key import EVERYTHING, ID_LENGTH, Policy, StoredKey
from understudy_server.clock import SystemClock
from understudy_server.limits.key_limits import KeyLimits, limits_of
from understudy_server.store.opener import open_store

_HEADINGS = (
    "ID",
    "KEY",
    "PROJECT",
    "SCOPES",
    "CREATED",
    "EXPIRES",
    "LAST USE",
    "REVOKED",
    "LIMITS",
    "MADE BY",
    "NAME",
)


async def create(
    configuration: Configuration, *, project: str, name: str, policy: Policy = EVERYTHING
) -> None:
    """Prints the key and nothing else, for scripts."""
    async with _Keys(configuration) as keys:
        text, _ = await keys.create(project, name, policy)
    sys.stdout.write(f"{text}\n")


async def list_all(configuration: Configuration) -> None:
    async with _Keys(configuration) as keys:
        found = await keys.list()
        uses = await keys.uses()
    rows = [_HEADINGS, *(row(stored, uses.get(stored.id)) for stored in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for cells in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")


async def rotate(configuration: Configuration, *, which: str, overlap: int) -> None:
    """Prints the new key on stdout, and what becomes of the old one on stderr."""
    async with _Keys(configuration) as keys:
        text, _, old = await keys.rotate(which, overlap)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    sys.stderr.write(f"{old.key.hint} is good until {_time(old.key.expires_at)} UTC\n")


async def revoke(configuration: Configuration, *, which: str, with_created: bool = False) -> None:
    async with _Keys(configuration) as keys:
        ended = await keys.revoke(which, with_created=with_created)
    for stored in ended:
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


def row(stored: StoredKey, used: int | None) -> tuple[str, ...]:
    """One line of the listing. ``used``: Unix seconds; None: never. Pure."""
    key = stored.key
    cells = (
        stored.key_id,
        key.hint,
        key.project,
        ",".join(scope for scope in SCOPES if scope in stored.scopes) or "-",
        _time(key.created_at),
        _time(key.expires_at) if key.HasField("expires_at") else "-",
        "-" if used is None else _time(used),
        _time(key.revoked_at) if stored.revoked else "-",
        _limits(limits_of(key.limits)),
        key.created_by[:ID_LENGTH] or "-",
        key.name or "-",
    )
    return tuple(printable(cell) for cell in cells)


def printable(text: str, encoding: str | None = None) -> str:
    """With question marks for what a terminal obeys or cannot show. ``encoding``: by default that of stdout.

    Names may come from whoever manages the keys of a project, and this is the operator's terminal.
    """
    encoding = encoding or sys.stdout.encoding or "utf-8"
    known = text.encode(encoding, "replace").decode(encoding)
    return "".join(c if c.isprintable() else "?" for c in known)


def _limits(limits: KeyLimits) -> str:
    told = [
        f"{limit} {unit}"
        for limit, unit in (
            (limits.requests_per_minute, "requests/minute"),
            (limits.concurrent_runs, "runs"),
            (limits.tokens_per_day, "tokens/day"),
        )
        if limit
    ]
    if limits.models:
        told.append(f"models {' '.join(limits.models)}")
    return ", ".join(told) or "-"


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
