"""Store URLs of Cosmos DB, and what is made of an account and a container."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.aio import CosmosClient
from azure.cosmos.documents import DatabaseAccount

from tests.conformance.samples import THREAD, put, write
from tests.store.cosmos.emulator import KEY, emulator, open_store, url
from understudy_server.clock import SystemClock
from understudy_server.errors import StoreUnavailable
from understudy_server.store.cosmos.connecting import INDEXING, Address, connect, parse_url
from understudy_server.store.cosmos.judging import (
    cautions,
    refuse_account,
    refuse_container,
    weak_consistency,
)
from understudy_server.store.cosmos.sending import Transport
from understudy_server.store.opener import InvalidStoreUrl
from understudy_server.store.opener import open_store as open_any
from understudy_server.store.port import Cautious

ENVIRONMENT = {"COSMOS_KEY": KEY, "OTHER": "b3RoZXI="}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "cosmos://a.documents.azure.com/db",
            {"endpoint": "https://a.documents.azure.com:443/", "database": "db", "key": KEY},
        ),
        ("cosmos://a.com/db?container=c", {"container": "c", "throughput": None}),
        ("cosmos://a.com/db", {"container": "understudy", "loopback": False}),
        ("cosmos://a.com/my%20db", {"database": "my db"}),
        ("cosmos://a.com/db?throughput=400", {"throughput": 400, "max_throughput": None}),
        ("cosmos://a.com/db?max_throughput=4000", {"throughput": None, "max_throughput": 4000}),
        ("cosmos://a.com/db?key_env=OTHER", {"key": "b3RoZXI="}),
        ("cosmos://:bW%2Fu@a.com/db", {"key": "bW/u"}),
        ("cosmos://localhost:8081/db", {"endpoint": "https://localhost:8081/", "loopback": True}),
        ("cosmos://127.0.0.1:1/db?tls=false", {"endpoint": "http://127.0.0.1:1/"}),
        ("cosmos://[::1]:1/db?tls=false", {"endpoint": "http://[::1]:1/", "loopback": True}),
    ],
)
def test_what_a_url_says(url: str, expected: dict[str, Any]) -> None:
    address = parse_url(url, ENVIRONMENT)
    assert {name: getattr(address, name) for name in expected} == expected
    assert address.key not in repr(address)


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("cosmos://", "must name the account's host"),
        ("cosmos:///db", "must name the account's host"),
        ("cosmos://a.com", "database must have a name"),
        ("cosmos://a.com/", "database must have a name"),
        ("cosmos://a.com/db/more", "database must have a name"),
        ("cosmos://a.com/db%20", "database must have a name"),
        ("cosmos://a.com/db?container=", "container must have a name"),
        ("cosmos://a.com/db?container=a%23b", "container must have a name"),
        ("cosmos://a.com/db?size=1", "unknown parameter 'size'; there are: container"),
        ("cosmos://a.com/db?container=a&container=b", "given twice"),
        ("cosmos://a.com/db#x", "'#'"),
        ("cosmos://me:a2V5@a.com/db", "no users"),
        ("cosmos://:no~base64@a.com/db", "key in the URL is not base64"),
        ("cosmos://a.com/db?key_env=NONE", "no key in the environment variable NONE"),
        ("cosmos://a.com/db?tls=no", "true or false"),
        ("cosmos://a.com/db?tls=false", "only for an emulator"),
        ("cosmos://10.0.0.1/db?tls=false", "only for an emulator"),
        ("cosmos://a.com/db?throughput=many", "throughput must be a multiple of 100"),
        ("cosmos://a.com/db?throughput=300", "at least 400"),
        ("cosmos://a.com/db?throughput=450", "multiple of 100"),
        ("cosmos://a.com/db?max_throughput=1500", "multiple of 1000"),
        ("cosmos://a.com/db?throughput=400&max_throughput=1000", "exclude each other"),
        ("cosmos://a.com:port/db", "Port"),
    ],
)
async def test_a_wrong_url_says_what_to_write(
    url: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSMOS_KEY", KEY)
    monkeypatch.delenv("NONE", raising=False)
    with pytest.raises(InvalidStoreUrl, match=hint) as caught:
        await open_any(url, SystemClock())
    assert "a2V5" not in str(caught.value)
    assert "no~base64" not in str(caught.value)


async def test_the_opener_opens_it(cosmos_url: str) -> None:
    store = await open_any(cosmos_url, SystemClock())
    await write(store, put("a"))
    assert isinstance(store, Cautious)
    assert await store.cautions() == []
    await store.close()


def client_of(address: Address) -> CosmosClient:
    return connect(address, Transport(SystemClock(), lambda *_: None, proxies=False))


def account(level: str = "Strong", *, regions: int = 1, multi: bool = False) -> DatabaseAccount:
    found = DatabaseAccount()
    found.ConsistencyPolicy = {"defaultConsistencyLevel": level}
    found._ReadableLocations = [{"name": f"region {n}"} for n in range(regions)]
    found._EnableMultipleWritableLocations = multi
    return found


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (account("Strong"), None),
        (account("Strong", regions=2), None),
        (account("BoundedStaleness"), None),
        (account("BoundedStaleness", regions=2), "several regions"),
        (account("Session"), "consistency is Session"),
        (account("ConsistentPrefix"), "consistency is ConsistentPrefix"),
        (account("Eventual"), "consistency is Eventual"),
        (DatabaseAccount(), "consistency is unknown"),
    ],
)
def test_which_consistency_is_enough(found: DatabaseAccount, part: str | None) -> None:
    for words in (weak_consistency(found), refuse_account(found, loopback=False)):
        assert (words is None) == (part is None)
        assert part is None or part in (words or "")
    assert refuse_account(found, loopback=True) is None


@pytest.mark.parametrize("loopback", [False, True], ids=str)
def test_writes_in_several_regions_are_refused_everywhere(loopback: bool) -> None:
    assert "multi-region" in (refuse_account(account(multi=True), loopback=loopback) or "")


GOOD = {"partitionKey": {"paths": ["/pk"]}, "indexingPolicy": INDEXING, "defaultTtl": -1}


@pytest.mark.parametrize(
    ("properties", "parts"),
    [
        (GOOD, []),
        (GOOD | {"defaultTtl": None}, []),
        (GOOD | {"defaultTtl": 3600}, ["3600 seconds"]),
        (GOOD | {"indexingPolicy": {"includedPaths": [{"path": "/*"}]}}, ["indexing policy"]),
        ({}, ["indexing policy"]),
    ],
)
def test_what_a_container_may_lose(properties: dict[str, Any], parts: list[str]) -> None:
    found = cautions(account(), properties)
    assert len(found) == len(parts)
    for words, part in zip(found, parts, strict=True):
        assert part in words


def test_another_partition_key_is_refused() -> None:
    assert refuse_container(GOOD) is None
    assert "/id" in (refuse_container({"partitionKey": {"paths": ["/id"]}}) or "")


async def test_a_container_of_somebody_else_is_left_alone(cosmos_port: int) -> None:
    address = parse_url(url(cosmos_port, "foreign"), {})
    async with client_of(address) as client:
        database = await client.create_database_if_not_exists(address.database)
        await database.create_container("foreign", PartitionKey(path="/id"))
    with pytest.raises(StoreUnavailable, match="partition key"):
        await open_store(cosmos_port, "foreign")


async def test_an_account_that_is_too_weak_is_a_caution_on_this_machine() -> None:
    with emulator(consistency="Session") as port:
        store = await open_store(port, "c")
        await write(store, put("a"))
        assert len(await store.list(THREAD, None, limit=9)) == 1
        (words,) = await store.cautions()
        assert "Session" in words
        await store.close()


async def test_what_is_made_when_it_is_missing(cosmos_port: int) -> None:
    address = parse_url(url(cosmos_port, "made", throughput="500"), {})
    store = await open_any(url(cosmos_port, "made", throughput="500"), SystemClock())
    again = await open_any(url(cosmos_port, "made", throughput="500"), SystemClock())
    await again.close()
    await store.close()
    async with client_of(address) as client:
        found = await client.get_database_client("test").get_container_client("made").read()
    assert found["partitionKey"]["paths"] == ["/pk"]
    assert found["indexingPolicy"] == INDEXING
    assert found["defaultTtl"] == -1


async def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*sys.modules]:
        if name.startswith("understudy_server.store.cosmos"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "azure.cosmos", None)
    with pytest.raises(InvalidStoreUrl, match=r"pip install 'understudy\[cosmos\]'"):
        await open_any("cosmos://a.com/db", SystemClock())
