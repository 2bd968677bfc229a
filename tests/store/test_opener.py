"""Store URLs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.samples import THREAD, put, write
from understudy_server.clock import SystemClock
from understudy_server.store.opener import InvalidStoreUrl, open_store, parse_sqlite


async def test_memory() -> None:
    store = await open_store("memory://", SystemClock())
    await write(store, put("a"))
    await store.close()


@pytest.mark.parametrize("slashes", ["sqlite:///", "sqlite:////"])
async def test_sqlite(slashes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    absolute = slashes.endswith("////")
    path = str(tmp_path / "deep/a b%20.db").removeprefix("/") if absolute else "deep/a b%20.db"
    store = await open_store(slashes + path, SystemClock())
    await write(store, put("a"))
    await store.close()
    assert (tmp_path / "deep" / "a b%20.db").exists()


@pytest.mark.parametrize(
    ("url", "path", "shared"),
    [
        ("sqlite:///a.db", "a.db", False),
        ("sqlite:////srv/a.db", "/srv/a.db", False),
        ("sqlite:///a.db?shared=false", "a.db", False),
        ("sqlite:///a.db?shared=true", "a.db", True),
        ("sqlite:////srv/a b%20.db?shared=true", "/srv/a b%20.db", True),
    ],
)
def test_what_a_sqlite_url_says(url: str, path: str, shared: bool) -> None:
    assert parse_sqlite(url) == (Path(path), shared)


async def test_a_shared_store_is_opened_twice_and_beside(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    stores = [
        await open_store(f"{url}?shared=true", SystemClock()),
        await open_store(f"{url}?shared=true", SystemClock()),
        await open_store(f"{url}?shared=true", SystemClock(), beside=True),
        await open_store(url, SystemClock(), beside=True),
    ]
    for number, store in enumerate(stores):
        await write(store, put(str(number)))
    for store in stores:
        assert len(await store.list(THREAD, "message", limit=9)) == len(stores)
        await store.close()


async def test_a_password_is_not_told() -> None:
    for url in (
        "mysql://me:secret@host",
        "redis://me:secret@host?db=1",
        "redis+sentinel://me:secret@a,b/main/one?sentinel_password=secret",
    ):
        with pytest.raises(InvalidStoreUrl) as caught:
            await open_store(url, SystemClock())
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("", "memory://, sqlite://"),
        ("store.db", "memory://, sqlite://"),
        ("mysql://host/db", "memory://, sqlite://"),
        ("SQLITE:///x.db", "memory://, sqlite://"),
        ("memory://x", "end after memory://"),
        ("sqlite://", "sqlite:///RELATIVE/FILE"),
        ("sqlite:///", "sqlite:///RELATIVE/FILE"),
        ("sqlite:///folder/", "sqlite:///RELATIVE/FILE"),
        ("sqlite://store.db", "sqlite:////ABSOLUTE/FILE"),
        ("sqlite:///:memory:", "memory://"),
        ("sqlite:///x.db#x", "'#'"),
        ("sqlite:///x.db?shared=true#x", "'#'"),
        ("sqlite:///x.db?mode=ro", "parameter 'mode'; the only one is 'shared'"),
        ("sqlite:///x.db?shared=true&mode=ro", "parameter 'mode'"),
        ("sqlite:///x.db?Shared=true", "parameter 'Shared'"),
        ("sqlite:///x.db?", "parameter ''"),
        ("sqlite:///x.db?shared=true&", "parameter ''"),
        ("sqlite:///x.db?shared", "true or false"),
        ("sqlite:///x.db?shared=1", "true or false"),
        ("sqlite:///x.db?shared=true&shared=true", "once"),
        ("sqlite:///?shared=true", "sqlite:///RELATIVE/FILE"),
        ("sqlite:///:memory:?shared=true", "memory://"),
        ("memory://?shared=true", "end after memory://"),
        ("redis://host?db=1", "unknown parameter 'db'"),
        ("redis://host?prefix=", "prefix must be a word"),
        ("rediss://host/0?prefix={a}", "prefix must be a word"),
        ("redis+cluster://host/1", "no numbered databases"),
        ("redis://host/one", "the database must be a number"),
        ("redis://host:port", "Port"),
        ("redis://", "must name a host"),
        ("redis://host?sentinel_password=x", "unknown parameter 'sentinel_password'"),
        ("redis+sentinel://host", "must name the service"),
        ("redis+sentinel:///main", "host of each Sentinel"),
        ("redis+sentinel://a,,b/main", "host of each Sentinel"),
        ("redis+sentinel://a:1,b:port/main", "Port"),
        ("redis+sentinel://a/main/one", "the database must be a number"),
        ("redis+sentinel://a/main?sentinel_username=x", "needs a sentinel_password"),
        ("rediss+sentinel://a/main?quorum=1", "unknown parameter 'quorum'"),
    ],
)
async def test_a_wrong_url_says_what_to_write(url: str, hint: str) -> None:
    with pytest.raises(InvalidStoreUrl) as caught:
        await open_store(url, SystemClock())
    assert hint in str(caught.value)
