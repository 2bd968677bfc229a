"""The store and the keys in it. Nothing is made that was not there."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_cli.configuration import Configuration
from understudy_cli.doctor.finding import Finding
from understudy_cli.doctor.folder import file_of
from understudy_server.auth.keys import DEFAULT_PROJECT, ApiKeys
from understudy_server.auth.stored_key import StoredKey
from understudy_server.clock import Clock
from understudy_server.errors import StoreError
from understudy_server.store import tables
from understudy_server.store.opener import InvalidStoreUrl, open_store
from understudy_server.store.port import Cautious, Record, Store
from understudy_server.store.shown_url import shown_url

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    findings: tuple[Finding, ...]
    newest: int | None = None
    """When the newest record was made, in microseconds since the epoch."""


async def examine(configuration: Configuration, clock: Clock) -> Stored:
    url = configuration.core.store
    shown = shown_url(url)
    if url == "memory://":
        store = Finding("warn", "store", "memory:// forgets everything when the server stops")
        return Stored(findings=(store, _judge_keys(configuration, [])))
    file = file_of(url)
    try:
        if file is not None and not file.exists():
            store = Finding("ok", "store", f"{file} will be made at the first start")
            return Stored(findings=(store, _judge_keys(configuration, [])))
        return await _examine_open(configuration, shown, clock)
    except OSError as error:
        words = (
            f"{shown} cannot be read ({error.strerror}): change its owner, or set another --store"
        )
        return Stored(findings=(Finding("FAIL", "store", words),))
    except (StoreError, InvalidStoreUrl) as error:
        return Stored(findings=(Finding("FAIL", "store", f"{error}{advice(str(error))}"),))


def advice(words: str) -> str:
    """What to do about what SQLite said. Pure."""
    if "is locked" in words:
        return " - another program writes to it, and does not stop: close that one"
    return ""


async def _examine_open(configuration: Configuration, shown: str, clock: Clock) -> Stored:
    began = clock.monotonic()
    store = await open_store(configuration.core.store, clock, beside=True)
    try:
        await store.ping()
        milliseconds = (clock.monotonic() - began) * 1_000
        keys = await ApiKeys(store=store, clock=clock).list()
        projects = {DEFAULT_PROJECT, *(stored.key.project for stored in keys)}
        projects.update(project for _, project in configuration.core.api_keys)
        projects.update(key.project for key in configuration.core.keys)
        newest = await _newest(store, projects)
        now = store.now()
        cautions = await store.cautions() if isinstance(store, Cautious) else ()
    finally:
        await store.close()
    return Stored(
        findings=(
            Finding("ok", "store", f"{shown} takes commits ({milliseconds:.0f} ms)"),
            *(Finding("warn", "store", words) for words in cautions),
            _judge_keys(configuration, keys, now),
        ),
        newest=max([*newest, *(stored.record.order for stored in keys)], default=None),
    )


async def _newest(store: Store, projects: set[str]) -> list[int]:
    """Of each project its newest assistant, thread and run; an order is a time of the store."""
    found: list[Record] = []
    for project in sorted(projects):
        partition = tables.assistants_of(project)
        found += await store.list(partition, tables.assistants.kind, descending=True, limit=1)
        for kind in (tables.threads.kind, tables.runs.kind):
            found += await store.directory(project, kind, tables.ALL, descending=True, limit=1)
    return [record.order for record in found]


def _judge_keys(configuration: Configuration, stored: list[StoredKey], now: int = 0) -> Finding:
    """Pure. ``stored`` is empty as well for a store that is not there yet; ``now`` is its time."""
    if not configuration.core.auth:
        host = configuration.values["host"]
        if host in _LOOPBACK:
            return Finding("ok", "keys", "none is asked for (no_auth)")
        return Finding(
            "warn", "keys", f"none is asked for (no_auth), and {host} can be reached from outside"
        )
    valid = sum(each.is_good(now) for each in stored)
    given = len(configuration.core.api_keys) + len(configuration.core.keys)
    if valid or given:
        return Finding("ok", "keys", f"{valid} in the store, {given} in the configuration")
    if stored:
        return Finding(
            "FAIL",
            "keys",
            "every key is revoked or has expired: `understudy keys create` makes a new one",
        )
    return Finding("ok", "keys", "none yet; the first start makes one and prints it")
