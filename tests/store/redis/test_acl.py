"""The rights that docs/stores.md says a user needs are enough."""

from __future__ import annotations

import re
from pathlib import Path

from redis.asyncio import Redis

from tests.conformance.samples import THREAD, append, entry, put, write
from tests.conformance.store_scanning import whole
from understudy_server.clock import SystemClock
from understudy_server.store.port import LOG_START
from understudy_server.store.redis.connecting import Address
from understudy_server.store.redis.store import RedisStore

ROOT = Path(__file__).parents[3]


async def test_the_rights_of_the_documentation_are_enough(redis_url: str, prefix: str) -> None:
    text = (ROOT / "docs/stores.md").read_text(encoding="utf-8")
    found = re.search(r"`(~\{PREFIX:[^`]+)`", text)
    assert found
    async with Redis.from_url(redis_url) as admin:
        rules = found[1].replace("PREFIX", prefix).split()
        await admin.execute_command("ACL", "SETUSER", prefix, "on", ">secret", *rules)  # type: ignore[no-untyped-call]
    url = redis_url.replace("unix://", f"unix://{prefix}:secret@")
    store = await RedisStore.open(Address(url=url, cluster=False, prefix=prefix), SystemClock())
    with store.watch(THREAD) as watch:
        await write(store, put("a", due=3), append(entry((1, 1))))
        assert await watch.wait(60)
    assert len(await store.list(THREAD, None, limit=9)) == 1
    assert len(await store.due(5, 9)) == 1
    assert len(await store.read(THREAD, "run_1", LOG_START, 9)) == 1
    assert (await store.records(THREAD, "", 9)).found
    assert await whole(store.partitions) == [THREAD]
    await store.ping()
    assert "CONFIG is forbidden" in (await store.cautions())[0]
    await store.close()
