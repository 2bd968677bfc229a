"""The commands of the documentation that partition the tables, on tables with something in them."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conformance.samples import append, entry, put, write
from tests.store.postgres.opening import address_of, execute, open_store
from tests.store.postgres.servers import Server
from understudy_server.store.port import LOG_START, MAX_NUMBER, Partition
from understudy_server.store.postgres.connecting import PLAIN, connect
from understudy_server.store.postgres.statements import Statements
from understudy_server.store.postgres.store import PostgresStore

DOCS = Path(__file__).parents[3] / "docs/postgres.md"
THREADS = [Partition("proj_1", f"thread/{n}") for n in range(20)]


def _commands(schema: str) -> str:
    blocks = re.findall(r"```sql\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = [str(block) for block in blocks if "PARTITION BY HASH" in block]
    return found.replace("understudy", schema)


async def _everything(store: PostgresStore) -> list[object]:
    found: list[object] = [
        await store.due(MAX_NUMBER, 100),
        await store.directory("proj_1", "message", "all", limit=100),
        (await store.partitions("", 100)).found,
        (await store.logs("", 100)).found,
    ]
    for thread in THREADS:
        found += [await store.list(thread, kind, limit=9) for kind in (None, "message")]
        found.append(await store.read(thread, "run_1", LOG_START, 9))
    return found


async def test_partitioned_tables_hold_the_same_and_take_more(server: Server, schema: str) -> None:
    store = await open_store(server.url, schema)
    for n, thread in enumerate(THREADS):
        # Due at different times, for the order among equal ones is free.
        one, two = put("a", due=n, labels=("all",)), append(entry((1, 1)))
        await write(store, one, put("b", order=2), two, partition=thread)
    before = await _everything(store)
    await store.close()

    # One statement a time: ANALYZE and COMMIT do not go together.
    statements = _commands(schema).strip().split(";\n")
    await execute(server.url, *statements)

    store = await open_store(server.url, schema)
    assert await _everything(store) == before
    for thread in THREADS:
        await write(store, put("c", order=3), append(entry((2, 1))), partition=thread)
        assert [each.id for each in await store.list(thread, "message", limit=9)] == ["a", "b", "c"]
        assert len(await store.read(thread, "run_1", LOG_START, 9)) == 2
    await store.close()

    connection = await connect(address_of(server.url, schema), PLAIN)
    for table in ("records_0", "records_1", "entries_0", "entries_1"):
        assert await connection.fetchval(f"SELECT count(*) FROM {schema}.{table}") > 0
    arguments = [text.encode() for text in (*THREADS[0], "message", "a")]
    rows = await connection.fetch(f"EXPLAIN {Statements(schema).get}", *arguments)
    plan = "\n".join(row[0] for row in rows)
    assert len(set(re.findall(r"records_[01]\b", plan))) == 1
    await connection.close()
