"""Store URLs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.samples import put, write
from understudy_server.clock import SystemClock
from understudy_server.store.opener import InvalidStoreUrl, open_store


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
        ("sqlite:///x.db?mode=ro", "no parameters"),
        ("sqlite:///x.db#x", "no parameters"),
    ],
)
async def test_a_wrong_url_says_what_to_write(url: str, hint: str) -> None:
    with pytest.raises(InvalidStoreUrl) as caught:
        await open_store(url, SystemClock())
    assert hint in str(caught.value)
