"""Store URLs for PostgreSQL."""

from __future__ import annotations

import sys

import pytest

from tests.conformance.samples import put, write
from tests.store.postgres.servers import Server
from understudy_server.clock import SystemClock
from understudy_server.store.opener import InvalidStoreUrl, open_store
from understudy_server.store.postgres.address import Address, parse_url
from understudy_server.store.postgres.connecting import Manner, manner


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://host/db", Address(url="postgresql://host/db")),
        ("postgres://me:pw@host:5/db", Address(url="postgres://me:pw@host:5/db")),
        ("postgresql://a:1,b:2/db", Address(url="postgresql://a:1,b:2/db")),
        (
            "postgresql:///db?host=/run/pg&sslmode=disable",
            Address(url="postgresql:///db?host=%2Frun%2Fpg&sslmode=disable"),
        ),
        (
            "postgresql://host/db?schema=other_1&pool=3&notify=poll&statement_cache_size=0",
            Address(
                url="postgresql://host/db",
                schema="other_1",
                pool=3,
                notify="poll",
                statement_cache_size=0,
            ),
        ),
    ],
)
def test_what_a_url_says(url: str, address: Address) -> None:
    assert parse_url(url) == address


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("postgresql://h/db?prefix=x", "unknown parameter 'prefix'"),
        ("postgresql://h/db?options=-c%20x", "unknown parameter 'options'"),
        ("postgresql://h/db?schema=", "schema must be"),
        ("postgresql://h/db?schema=A", "schema must be"),
        ('postgresql://h/db?schema=a"b', "schema must be"),
        ("postgresql://h/db?schema=pg_x", "schema must be"),
        (f"postgresql://h/db?schema={'a' * 64}", "schema must be"),
        ("postgresql://h/db?schema=a&schema=b", "schema is given twice"),
        ("postgresql://h/db?pool=0", "pool must be a number from 1"),
        ("postgresql://h/db?pool=many", "pool must be a number"),
        ("postgresql://h/db?notify=on", "notify must be one of: auto, listen, poll"),
        ("postgresql://h/db?statement_cache_size=-1", "statement_cache_size must be a number"),
        ("postgresql://h/db?sslmode=on", "sslmode must be one of"),
        ("postgresql://h/db?target_session_attrs=standby", "target_session_attrs must be one of"),
        ("postgresql://h/db#x", "'#'"),
    ],
)
async def test_a_wrong_url_says_what_to_write(url: str, hint: str) -> None:
    with pytest.raises(InvalidStoreUrl) as caught:
        await open_store(url, SystemClock())
    assert hint in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
async def test_the_opener(server: Server, scheme: str) -> None:
    url = server.url.replace("postgresql", scheme) + "&schema=opened&pool=2"
    store = await open_store(url, SystemClock())
    await write(store, put(scheme))
    await store.close()


async def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if "store.postgres" in each and "tests" not in each]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(InvalidStoreUrl, match=r"pip install 'understudy\[postgres\]'"):
        await open_store("postgresql://host/db", SystemClock())


@pytest.mark.parametrize(
    ("parameters", "proxied", "expected"),
    [
        ("", False, Manner(session=True, listen=True, statements=100)),
        ("", True, Manner(session=False, listen=False, statements=0)),
        ("notify=poll", False, Manner(session=False, listen=False, statements=0)),
        ("notify=listen", True, Manner(session=True, listen=True, statements=100)),
        ("statement_cache_size=0", False, Manner(session=True, listen=True, statements=0)),
        ("statement_cache_size=9", True, Manner(session=False, listen=False, statements=9)),
    ],
)
def test_how_to_talk_to_it(parameters: str, proxied: bool, expected: Manner) -> None:
    assert manner(parse_url(f"postgresql://host/db?{parameters}"), proxied=proxied) == expected
