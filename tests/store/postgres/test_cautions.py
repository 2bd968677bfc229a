from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.store.postgres.opening import execute, open_store
from tests.store.postgres.servers import USER, Server
from understudy_server.store.port import Cautious
from understudy_server.store.postgres.cautions import judge

SAFE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({}, []),
        ({"synchronous_commit": "local"}, []),
        ({"synchronous_commit": "remote_apply"}, []),
        ({"synchronous_commit": "off"}, ["last moments"]),
        ({"fsync": "off"}, ["everything"]),
        ({"fsync": "off", "full_page_writes": "off"}, ["everything"]),
        ({"full_page_writes": "off"}, ["damage its files"]),
        ({"fsync": "off", "synchronous_commit": "off"}, ["everything", "last moments"]),
    ],
)
def test_what_can_be_lost(settings: dict[str, str], parts: Sequence[str]) -> None:
    found = judge(SAFE | settings)
    assert len(found) == len(parts)
    for words, part in zip(found, parts, strict=True):
        assert part in words


async def test_a_real_server(server: Server) -> None:
    try:
        await execute(server.url, f"ALTER ROLE {USER} SET synchronous_commit = off")
        store = await open_store(server.url)
        assert isinstance(store, Cautious)
        assert len(await store.cautions()) == 2
        await store.close()
    finally:
        await execute(server.url, f"ALTER ROLE {USER} RESET synchronous_commit")
