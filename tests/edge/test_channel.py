"""Where the channel can lead, and which calls are made again there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.edge.conftest import StartEdge
from tests.edge.fake_core import Context, FakeCore, fail
from understudy.v1 import run_pb2, thread_pb2
from understudy_edge.channel import parse_addresses


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("127.0.0.1:50051", ("127.0.0.1:50051",)),
        ("a.example:1, unix:/run/b.sock", ("a.example:1", "unix:/run/b.sock")),
        ("[::1]:50051", ("[::1]:50051",)),
        ("dns:///cores:50051", ("dns:///cores:50051",)),
        ("ipv4:127.0.0.1:1,127.0.0.1:2", ("ipv4:127.0.0.1:1", "127.0.0.1:2")),
    ],
)
def test_addresses(text: str, addresses: tuple[str, ...]) -> None:
    assert parse_addresses(text) == addresses


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is not host:port"),
        ("a:1,", "'' is not host:port"),
        ("localhost", "'localhost' is not host:port"),
        ("http://localhost:1", "'http://localhost:1' is not host:port"),
        ("/run/core.sock", "'/run/core.sock' is not host:port"),
        ("::1:50051", "'::1:50051' is not host:port"),
        ("a:65536", "'a:65536' has no port that exists"),
        ("a:1,b:1,a:1", "an address is there twice"),
    ],
)
def test_what_is_no_address(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_addresses(text)


@pytest.mark.parametrize(
    ("verb", "path", "method", "status", "tries"),
    [
        ("GET", "/v1/threads/t", "GetThread", 200, 2),
        ("POST", "/v1/threads", "CreateThread", 200, 2),
        ("POST", "/v1/threads/t/runs/r/cancel", "CancelRun", 200, 2),
        ("POST", "/v1/threads/t", "ModifyThread", 503, 1),
        ("DELETE", "/v1/threads/t", "DeleteThread", 503, 1),
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
    answers = {"DeleteThread": thread_pb2.DeleteThreadResponse, "CancelRun": run_pb2.Run}
    answer = answers.get(method, thread_pb2.Thread)

    async def stumble(_request: Any, context: Context) -> Any:
        if core.methods().count(method) == 1:
            await fail(context, "UNAVAILABLE", "The store is away.")
        return answer()

    core.unary[method] = stumble
    edge = await start_edge(core.address)
    async with edge.request(verb, path) as response:
        assert response.status == status
    assert core.methods() == [method] * tries
    keys = {call.metadata.get("idempotency-key") for call in core.calls}
    request_id = response.headers["x-request-id"]
    assert keys == {f"edge-{request_id}" if method == "CreateThread" else None}
    attempts = [call.metadata.get("previous-attempts") for call in core.calls]
    assert attempts == [None, "1"][:tries]


async def test_a_callers_own_key_is_kept(start_edge: StartEdge, core: FakeCore) -> None:
    edge = await start_edge(core.address)
    async with edge.post("/v1/threads", headers={"Idempotency-Key": "mine"}) as response:
        assert response.status == 200
    (call,) = core.calls
    assert call.metadata["idempotency-key"] == "mine"


async def test_without_retries_there_is_no_key(start_edge: StartEdge, core: FakeCore) -> None:
    edge = await start_edge(core.address, retry_seconds=0)
    async with edge.post("/v1/threads") as response:
        assert response.status == 200
    (call,) = core.calls
    assert "idempotency-key" not in call.metadata


async def test_a_core_that_comes_later_is_waited_for(start_edge: StartEdge, tmp_path: Path) -> None:
    core = FakeCore(listen=f"unix:{tmp_path}/core")
    edge = await start_edge(core.listen, retry_seconds=100)
    async with edge.get("/ready") as response:
        assert response.status == 503
    asked = edge.post("/v1/threads/t", json={"metadata": {}})
    await core.start()
    async with asked as response:
        assert response.status == 200
    await core.stop()
    assert core.methods() == ["ModifyThread"]
