"""Every statement follows its index, also in tables that nobody has counted yet."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.conformance.samples import THREAD, check, commit_of, put, write, write_one
from tests.store.postgres.opening import address_of, open_store
from tests.store.postgres.servers import Server
from understudy_server.store.postgres.commits import commit_arguments
from understudy_server.store.postgres.connecting import PLAIN, Connection, Manner, connect
from understudy_server.store.postgres.statements import Statements, bounds
from understudy_server.store.postgres.store import PostgresStore

SESSION = Manner(session=True, listen=False, statements=100)
PLACE = [text.encode() for text in THREAD]
ENDS = bounds(None, None)

STATEMENTS = Statements("SCHEMA")
READS: dict[str, tuple[str, list[object], set[str]]] = {
    "get": (STATEMENTS.get, [*PLACE, b"message", b"1"], {"records_pkey"}),
    "list": (STATEMENTS.list_kind[True], [*PLACE, b"message", *ENDS, 20], {"records_in_order"}),
    "due": (STATEMENTS.due, [5, 20], {"records_due"}),
    "directory": (
        STATEMENTS.directory[False],
        [b"proj_1", b"message", b"all", *ENDS, 20],
        {"directory_pkey", "records_pkey"},
    ),
    "read": (STATEMENTS.read, [*PLACE, b"run_1", 0, 0, 20], {"entries_pkey"}),
}


@pytest.fixture
async def store(server: Server, schema: str) -> AsyncIterator[PostgresStore]:
    store = await open_store(server.url, schema)
    await write(store, *(put(f"m{n}", order=n, labels=("all",)) for n in range(90)))
    yield store
    await store.close()


@pytest.fixture(params=[PLAIN, SESSION], ids=["plain", "session"])
async def connection(server: Server, request: pytest.FixtureRequest) -> AsyncIterator[Connection]:
    connection = await connect(address_of(server.url, "any"), request.param)
    yield connection
    await connection.close()


@pytest.mark.parametrize("name", READS)
async def test_a_read(store: PostgresStore, connection: Connection, schema: str, name: str) -> None:
    statement, arguments, expected = READS[name]
    rows = await connection.fetch(f"EXPLAIN {statement}".replace("SCHEMA", schema), *arguments)
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan" not in plan
    assert "Sort" not in plan
    assert {
        word for word in plan.split() if word.startswith(("records_", "directory_", "entries_"))
    } == expected


async def test_a_commit_reads_only_what_it_names(
    store: PostgresStore, connection: Connection, schema: str
) -> None:
    version = await write_one(store, put("old", labels=("x",)))
    commit = commit_of(put("new"), put("old", version, labels=("y",)), check("none", None))
    arguments, _ = commit_arguments(commit, "word")
    async with connection.transaction():
        assert await connection.fetchval(Statements(schema).commit, *arguments.values())
        for relation, most in {
            "records": 0,
            "directory": 0,
            "records_in_order": 0,
            "records_pkey": 6,
            "directory_pkey": 3,
        }.items():
            kind = "numscans" if most == 0 else "tuples_returned"
            found = await connection.fetchval(
                f"SELECT pg_stat_get_xact_{kind}('{schema}.{relation}'::regclass)"
            )
            assert found <= most, relation
