"""Schemas are made, brought up to date, and left alone when somebody newer was there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.conformance.samples import THREAD, put, write
from tests.store.postgres.opening import address_of, execute, open_store
from tests.store.postgres.servers import USER, Server
from tests.store.two_processes import Peer
from understudy_server.errors import StoreUnavailable
from understudy_server.store.postgres import store as store_module
from understudy_server.store.postgres.connecting import PLAIN, Connection, connect
from understudy_server.store.postgres.migrating import Migration, migrate, migrations


@pytest.fixture
async def connection(server: Server) -> AsyncIterator[Connection]:
    connection = await connect(address_of(server.url, "any"), PLAIN)
    yield connection
    await connection.close()


async def _numbers(connection: Connection, schema: str) -> list[int]:
    rows = await connection.fetch(f"SELECT number FROM {schema}.migrations ORDER BY number")
    return [row[0] for row in rows]


def test_they_are_numbered_from_one() -> None:
    found = migrations()
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
    assert found


async def test_several_open_a_new_schema_at_once(
    server: Server, peer: Peer, schema: str, connection: Connection
) -> None:
    url = f"{server.url}&schema={schema}"
    there = asyncio.create_task(peer.open_url(url))
    here = await asyncio.gather(*(open_store(server.url, schema) for _ in range(5)))
    for n, store in enumerate(here):
        await write(store, put(str(n)))
    assert len(await here[0].list(THREAD, None, limit=9)) == 5
    assert await _numbers(connection, schema) == [each.number for each in migrations()]
    await asyncio.gather((await there).close(), *(store.close() for store in here))


async def test_from_every_earlier_version(connection: Connection, schema: str) -> None:
    known = migrations()
    for version in range(len(known) + 1):
        await migrate(connection, f"{schema}_{version}", known[:version])
        await migrate(connection, f"{schema}_{version}", known)
        assert await _numbers(connection, f"{schema}_{version}") == [each.number for each in known]


async def test_one_that_fails_leaves_nothing(connection: Connection, schema: str) -> None:
    known = migrations()
    await migrate(connection, schema, known)
    broken = Migration(len(known) + 1, "CREATE TABLE half (); SELECT 1 / 0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection, schema, [*known, broken])
    assert await _numbers(connection, schema) == [each.number for each in known]
    assert await connection.fetchval("SELECT to_regclass($1)", f"{schema}.half") is None
    # A connection is not left in that schema.
    assert schema not in await connection.fetchval("SHOW search_path")


async def test_a_newer_schema_is_refused(server: Server, schema: str) -> None:
    await (await open_store(server.url, schema)).close()
    await execute(server.url, f"INSERT INTO {schema}.migrations VALUES (99)")
    with pytest.raises(StoreUnavailable, match="version 99, and this program knows"):
        await open_store(server.url, schema)


async def test_an_old_server_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "OLDEST", 99)
    with pytest.raises(StoreUnavailable, match="is older than 99"):
        await open_store(server.url)


async def test_a_user_who_may_only_use_what_is_there(server: Server, schema: str) -> None:
    user = f"user_{schema}"
    theirs = server.url.replace(f"//{USER}@", f"//{user}@")
    await (await open_store(server.url, schema)).close()
    await execute(
        server.url,
        f"CREATE ROLE {user} LOGIN",
        f"GRANT USAGE ON SCHEMA {schema} TO {user}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user}",
    )
    store = await open_store(theirs, schema)
    await write(store, put("a", labels=("x",)))
    await store.ping()
    await store.close()
    with pytest.raises(StoreUnavailable, match="permission denied for database"):
        await open_store(theirs, f"new_{schema}"[:40])
