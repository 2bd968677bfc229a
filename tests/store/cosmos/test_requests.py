"""What is sent to Cosmos DB, word for word: what the emulator takes is not what the real service is known to take."""

from __future__ import annotations

import json

import pytest

from tests.conformance.samples import (
    THREAD,
    append,
    check,
    commit_of,
    delete,
    drop,
    entry,
    put,
    write,
    write_one,
)
from tests.store.cosmos.emulator import open_store
from tests.store.cosmos.gateway import Gateway
from understudy_server.errors import Conflict
from understudy_server.store.cosmos.store import CosmosStore
from understudy_server.store.port import LOG_START, EventId, Position

KEY = "proj_1:thread/thread_1"


async def test_a_commit(store: CosmosStore, gateway: Gateway) -> None:
    version = await write_one(store, put("head", kind="head"))
    gone = await write_one(store, put("gone"))
    checked = await write_one(store, put("checked"))
    gateway.sent.clear()
    commit = commit_of(
        put("head", version, kind="head", order=2, due=255, labels=("all",), body=b"\x00h"),
        put("a/b"),
        delete("gone", gone),
        check("checked", checked),
        check("absent", None),
    )
    await store.commit(commit)
    (sent,) = gateway.of_items()
    assert sent.method == "POST"
    assert sent.path.rstrip("/").endswith("/docs")
    assert json.loads(sent.headers["x-ms-documentdb-partitionkey"]) == [KEY]
    assert sent.headers["x-ms-cosmos-is-batch-request"] == "True"
    assert sent.headers["x-ms-cosmos-batch-atomic"] == "True"
    assert sent.headers["x-ms-cosmos-batch-continue-on-error"] == "False"
    assert sent.headers["authorization"].startswith("type%3Dmaster")
    replaced, created, deleted, checked_too, *absent = sent.body
    place = "0000000000000002head"
    assert replaced == {
        "operationType": "Replace",
        "id": "r.head.head",
        "ifMatch": version,
        "resourceBody": {
            "id": "r.head.head",
            "pk": KEY,
            "project": "proj_1",
            "partition": "thread/thread_1",
            "kind": "head",
            "key": "head",
            "order": "0000000000000002",
            "commit": commit.id,
            "body": "AGg=",
            "all": f"{KEY}|{place}",
            "list": f"{KEY}|head|{place}",
            "due": "00000000000000ff",
            "dirs": {"lall": f"proj_1|head|all|{place}"},
            "labels": ["all"],
        },
    }
    assert (created["operationType"], created["resourceBody"]["id"]) == (
        "Create",
        "r.message.a~2fb",
    )
    assert "ifMatch" not in created
    assert deleted == {"operationType": "Delete", "id": "r.message.gone", "ifMatch": gone}
    assert checked_too == {
        "operationType": "Patch",
        "id": "r.message.checked",
        "ifMatch": checked,
        "resourceBody": {"operations": [{"op": "set", "path": "/version", "value": checked}]},
    }
    assert absent == [
        {"operationType": "Create", "resourceBody": {"id": "r.message.absent", "pk": KEY}},
        {"operationType": "Delete", "id": "r.message.absent"},
    ]


async def test_an_append_and_a_drop(store: CosmosStore, gateway: Gateway) -> None:
    await write(store, append(entry((1, 1))))
    await write(store, append(entry((1, 2), (1, 3), b"x"), entry((2, 1))))
    await write(store, drop())
    first, second, third = gateway.of_items()
    end, entries = first.body
    assert [end["operationType"], entries["operationType"]] == ["Create", "Create"]
    generation = end["resourceBody"]["generation"]
    assert end["resourceBody"] == {
        "id": "l.run_1",
        "pk": KEY,
        "project": "proj_1",
        "partition": "thread/thread_1",
        "name": "run_1",
        "end": f"{KEY}|run_1|",
        "generation": generation,
        "last": "1-1",
    }
    end, entries = second.body
    assert (end["operationType"], end["id"]) == ("Replace", "l.run_1")
    assert end["ifMatch"]
    assert end["resourceBody"]["last"] == "2-1"
    last = f"{2:016x}{1:016x}"
    assert entries == {
        "operationType": "Create",
        "resourceBody": {
            "id": f"e.run_1.{generation}.{last}",
            "pk": KEY,
            "log": f"{KEY}|run_1|{generation}|{last}",
            "entries": [["1-2", "1-3", "eA=="], ["2-1", "2-1", "ZQ=="]],
        },
    }
    (dropped,) = third.body
    assert dropped["operationType"] == "Upsert"
    assert dropped["resourceBody"]["last"] == "0-0"
    assert dropped["resourceBody"]["generation"] != generation
    assert int(dropped["resourceBody"]["dropped"], 16) <= store.now()


async def test_a_page_of_one_partition(store: CosmosStore, gateway: Gateway) -> None:
    await write(store, *(put(f"m{n}", order=n) for n in range(9)))
    gateway.sent.clear()
    await store.list(THREAD, "message", low=Position(2, "m2"), descending=True, limit=3)
    (sent,) = gateway.of_items()
    assert json.loads(sent.headers["x-ms-documentdb-partitionkey"]) == [KEY]
    assert sent.headers["content-type"] == "application/query+json"
    assert sent.headers["x-ms-max-item-count"] == "3"
    assert "x-ms-consistency-level" not in sent.headers
    assert sent.body == {
        "query": 'SELECT * FROM c WHERE c["list"] > @low AND c["list"] < @high ORDER BY c["list"] DESC',
        "parameters": [
            {"name": "@low", "value": f"{KEY}|message|0000000000000002m2"},
            {"name": "@high", "value": f"{KEY}|message|g"},
        ],
    }


async def test_a_page_across_partitions(store: CosmosStore, gateway: Gateway) -> None:
    await store.due(255, 5)
    gateway.sent.clear()
    await store.directory("proj_1", "thread", "a b", limit=5)
    first, plan, *pages = gateway.of_items()
    assert [each.what for each in (first, plan)] == ["query", "plan"]
    assert 'ORDER BY c["dirs"]["la~20b"] ASC' in first.body["query"]
    assert first.headers["x-ms-documentdb-query-enablecrosspartition"] == "True"
    assert "x-ms-documentdb-partitionkey" not in first.headers
    ranges = [each.headers["x-ms-documentdb-partitionkeyrangeid"] for each in pages]
    assert ranges == ["0", "1"]


async def test_how_many_requests_each_call_takes(store: CosmosStore, gateway: Gateway) -> None:
    async def kinds() -> list[str]:
        found = [each.what for each in gateway.of_items()]
        gateway.sent.clear()
        return found

    version = await write_one(store, put("head", kind="head"))
    assert await kinds() == ["batch"]
    messages = [put(f"m{n}", order=n) for n in range(50)]
    version = (await write(store, put("head", version, kind="head"), *messages))[0] or ""
    assert await kinds() == ["batch"]
    await write(store, append(entry((1, 1))))
    await write(store, put("head", version, kind="head"), append(entry((1, 2))))
    assert await kinds() == ["batch", "batch"]
    await store.get(THREAD, "head", "head", fresh=True)
    assert await kinds() == ["read"]
    await store.list(THREAD, "message", limit=20)
    assert await kinds() == ["query"]
    await store.read(THREAD, "run_1", LOG_START, 20)
    assert await kinds() == ["read", "query"]
    await store.read(THREAD, "run_1", EventId(1, 2), 20)
    assert await kinds() == ["read"]
    await store.due(1, 20)
    assert await kinds() == ["query", "plan", "query", "query"]


async def test_what_is_not_as_expected_takes_more(store: CosmosStore, gateway: Gateway) -> None:
    other = await open_store(gateway.port, store._container.id)
    version = await write_one(store, put("head", kind="head"))
    await write(store, append(entry((1, 1))))
    gateway.sent.clear()
    await write(other, append(entry((1, 2))))
    assert [each.what for each in gateway.of_items()] == ["batch", "read", "batch"]
    await write(store, check("head", version, kind="head"))
    gateway.sent.clear()
    await write(other, put("head", version, kind="head"))
    assert [each.what for each in gateway.of_items()] == ["batch", "read", "batch"]
    gateway.sent.clear()
    with pytest.raises(Conflict):
        await write(store, put("head", version, kind="head"))
    assert [each.what for each in gateway.of_items()] == ["batch", "read"]
    await other.close()


async def test_an_empty_commit_is_not_sent(store: CosmosStore, gateway: Gateway) -> None:
    assert await store.commit(commit_of()) == ()
    assert gateway.of_items() == []


async def test_a_core_without_work_polls_with_one_query(
    store: CosmosStore, gateway: Gateway
) -> None:
    gateway.sent.clear()
    await gateway.until(lambda: len(gateway.sent) >= 5)
    assert {each.what for each in gateway.sent} == {"query"}
    (text,) = {each.body["query"] for each in gateway.sent}
    assert text == "SELECT * FROM c"
    assert {each.headers["x-ms-documentdb-partitionkey"] for each in gateway.sent} == {
        '["signals"]'
    }
