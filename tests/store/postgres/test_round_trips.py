"""A commit, a record, a page of anything: each is one round trip."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.conformance.samples import (
    SIBLING,
    THREAD,
    append,
    check,
    delete,
    drop,
    entry,
    put,
    write,
)
from tests.store.postgres.opening import open_empty, open_store
from tests.store.postgres.relay import Relay
from tests.store.postgres.servers import Server
from understudy_server.store.port import LOG_START
from understudy_server.store.postgres import wakeups
from understudy_server.store.postgres.store import PostgresStore

CALLS: dict[str, Callable[[PostgresStore], Awaitable[object]]] = {
    "get": lambda store: store.get(THREAD, "message", "m1", fresh=True),
    "list": lambda store: store.list(THREAD, "message", descending=True, limit=20),
    "list every kind": lambda store: store.list(THREAD, None, limit=20),
    "due": lambda store: store.due(9, 20),
    "directory": lambda store: store.directory("proj_1", "message", "all", limit=20),
    "read": lambda store: store.read(THREAD, "run_1", LOG_START, 20),
    "partitions": lambda store: store.partitions("", 20),
    "logs": lambda store: store.logs("", 20),
    "records": lambda store: store.records(THREAD, "", 20),
    "ping": lambda store: store.ping(),
}


@pytest.fixture
async def relay(server: Server) -> AsyncIterator[Relay]:
    async with Relay(server) as relay:
        yield relay


@pytest.fixture
async def store(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PostgresStore]:
    """It asks for nothing by itself, however long a test takes."""
    monkeypatch.setattr(wakeups, "QUIET", 3_600)
    store = await open_empty(relay.url, pool=1)
    await store._time.stop()
    yield store
    await store.close()


@pytest.fixture
async def other(server: Server) -> AsyncIterator[PostgresStore]:
    """Another core's."""
    other = await open_store(server.url)
    yield other
    await other.close()


@pytest.mark.parametrize("name", CALLS)
async def test_a_read(relay: Relay, store: PostgresStore, other: PostgresStore, name: str) -> None:
    await write(store, *(put(f"m{n}", order=n, due=n, labels=("all",)) for n in range(30)))
    await write(store, *(append(entry((n, 1)), log=f"run_{n}") for n in range(1, 30)))
    await CALLS[name](store)  # The first time, a connection prepares the statement.
    await _all_told(store, other)
    before = relay.round_trips
    await CALLS[name](store)
    assert relay.round_trips - before == 1


async def test_a_commit_and_the_news_of_it(
    relay: Relay, store: PostgresStore, other: PostgresStore
) -> None:
    (version, *_) = await write(store, put("a", labels=("x",)), put("b", due=3))
    (version, *_) = await write(store, put("a", version, labels=("y",)))
    assert version is not None
    await _all_told(store, other)
    before = relay.round_trips
    with other.watch(THREAD) as watch:
        await write(
            store,
            *(put(f"m{n}", order=n, due=n, labels=("all",)) for n in range(20)),
            *(append(entry((1, 1)), log=f"run_{n}") for n in range(20)),
            delete("a", version),
            check("c", None),
            drop("run_x"),
        )
        assert await watch.wait(60)
    assert relay.round_trips - before == 2


async def test_a_new_connection_asks_for_no_types(relay: Relay) -> None:
    store = await open_empty(relay.url)
    await write(store, put("a", labels=("x",)), append(entry((1, 1))))
    await store.records(THREAD, "", 9)
    await store.close()
    assert any(b"apply_commit" in request for request in relay.requests)
    assert not any(b"typeinfo" in request for request in relay.requests)


async def _all_told(store: PostgresStore, other: PostgresStore) -> None:
    """Return when the other core has heard of everything so far."""
    with other.watch(SIBLING) as watch:
        await write(store, put("last", kind="marker"), partition=SIBLING)
        assert await watch.wait(60)
