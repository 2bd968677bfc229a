"""What the channel repeats, and where it can lead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.edge.conftest import StartEdge
from tests.edge.fake_core import Context, FakeCore, fail
from understudy.v1 import thread_pb2
from understudy_edge.app import SERVICES
from understudy_edge.channel import service_config


def test_only_calls_without_side_effects_are_repeated() -> None:
    config = json.loads(service_config(SERVICES))
    (rule,) = config["methodConfig"]
    names = {(name["service"].rpartition(".")[2], name["method"]) for name in rule["name"]}
    assert ("AssistantsService", "GetRun") in names
    assert ("ModelsService", "ListModels") in names
    assert all(method.startswith(("Get", "List", "StreamRunEvents")) for _, method in names)
    assert rule["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert config["loadBalancingConfig"] == [{"round_robin": {}}]


@pytest.mark.parametrize(
    ("verb", "path", "method", "status", "tries"),
    [
        ("GET", "/v1/threads/t", "GetThread", 200, 2),
        ("POST", "/v1/threads", "CreateThread", 503, 1),
    ],
)
async def test_a_core_that_stumbles_once(
    start_edge: StartEdge,
    core: FakeCore,
    verb: str,
    path: str,
    method: str,
    status: int,
    tries: int,
) -> None:
    async def stumble(_request: Any, context: Context) -> thread_pb2.Thread:
        if core.methods().count(method) == 1:
            await fail(context, "UNAVAILABLE", "The store is away.")
        return thread_pb2.Thread()

    core.unary[method] = stumble
    edge = await start_edge(core.address)
    async with edge.request(verb, path) as response:
        assert response.status == status
    assert core.methods() == [method] * tries


async def test_a_unix_socket(start_edge: StartEdge, tmp_path: Path) -> None:
    core = FakeCore(listen=f"unix:{tmp_path}/core")
    await core.start()
    edge = await start_edge(core.address)
    async with edge.get("/v1/models") as response:
        assert response.status == 200
    await core.stop()
