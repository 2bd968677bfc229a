"""Whatever is sent to the core: an answer or a refusal, and never a fault of the server's."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from tests.fuzz.cases import ALLOWED_GROWTH, CASES, SEED, WARM
from tests.fuzz.memory import resident
from tests.fuzz.messages import Messages
from tests.server.isolation.belongings import METHODS, Project, allowed
from understudy_server.app import open_core
from understudy_server.config import CoreConfig
from understudy_server.listening import in_process

FAULTS = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN})

ROUND = 2_000
"""Cases after which there are new objects. Not too many: SQLite keeps up to 16 MB of what is stored in memory."""


@pytest.mark.timeout(3600)
async def test_no_message_is_the_servers_fault(tmp_path: Path) -> None:
    source = random.Random(f"grpc {SEED}")
    codes: Counter[str] = Counter()
    # On disk, so that what is stored is not counted as memory.
    config = CoreConfig(
        store=f"sqlite:///{tmp_path}/store.db",
        blobs=str(tmp_path / "files"),
        keys=allowed("a", "b"),
    )
    before = 0
    async with open_core(config) as core, in_process(core, copy=True) as channel:
        alpha, beta = Project(channel, "key-a"), Project(channel, "key-b")
        theirs = await alpha.settle("what-only-alpha-may-see")
        ids: list[str] = []
        messages = Messages(source, ids)
        for number in range(CASES):
            if number % ROUND == 0:
                ids[:] = [*(await beta.settle("beta")).text(), *theirs.text(), "demo", "user"]
            if number == min(WARM, CASES // 2):
                before = resident()
            name = source.choice(sorted(METHODS))
            method = METHODS[name]
            request: Any = messages.draw(method.input_type)
            if hasattr(request, "wait"):
                request.wait = False
            if method.client_streaming:
                count = source.randrange(4)
                request = [request, *(messages.draw(method.input_type) for _ in range(count))]
            try:
                async with asyncio.timeout(60):
                    answer = await beta.call(name, request)
            except grpc.aio.AioRpcError as error:
                codes[error.code().name] += 1
                if error.code() in FAULTS:
                    raise AssertionError((number, name, request, error.details())) from error
            else:
                codes["OK"] += 1
                assert "what-only-alpha-may-see" not in str(answer), (number, name, request)
        grown = resident() - before
    print(f"{CASES} cases, {dict(codes)}, {grown / 1e6:.1f} MB more")  # noqa: T201
    assert codes["OK"] > CASES // 50
    assert grown < ALLOWED_GROWTH
