"""Who calls, in which ways, and that nobody else learns anything."""

from __future__ import annotations

import base64

import aiohttp
import pytest

from tests.edge.answers import error_of
from tests.edge.conftest import StartEdge
from tests.edge.fake_core import GOOD_KEY, FakeCore


@pytest.mark.parametrize(
    ("beta", "status"),
    [
        ("assistants=v2", 200),
        ("realtime=v1, assistants=v2", 200),
        ("assistants=v1", 400),
        ("assistants=v22", 400),
        ("", 400),
    ],
)
async def test_the_beta_header(edge: aiohttp.ClientSession, beta: str, status: int) -> None:
    headers = {"OpenAI-Beta": beta}
    async with edge.get("/v1/assistants", headers=headers) as response:
        assert response.status == status
        if status == 400:
            body = await response.json()
            assert error_of(body) == ("invalid_request_error", None, "invalid_beta")
            assert "'OpenAI-Beta: assistants=v2'" in body["error"]["message"]
    async with edge.get("/v1/models", headers=headers) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {GOOD_KEY}"},
        {"api-key": GOOD_KEY},
        {"Authorization": f"Basic {base64.b64encode(f':{GOOD_KEY}'.encode()).decode()}"},
        {"Authorization": f"basic {base64.b64encode(f':{GOOD_KEY}'.encode()).decode()}"},
    ],
)
async def test_ways_to_show_a_key(
    edge: aiohttp.ClientSession, core: FakeCore, headers: dict[str, str]
) -> None:
    async with (
        aiohttp.ClientSession(edge._base_url, headers=headers) as session,
        session.get("/v1/models") as response,
    ):
        assert response.status == 200
    assert core.calls[0].metadata["authorization"] == f"Bearer {GOOD_KEY}"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, None),
        ({"Authorization": "Bearer sk-bad"}, "invalid_api_key"),
        ({"Authorization": "Bearer ключ"}, "invalid_api_key"),
        ({"Authorization": "Basic %%%"}, "invalid_api_key"),
        ({"api-key": "sk-bad"}, "invalid_api_key"),
    ],
)
@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("GET", "/v1/models", None),
        ("POST", "/v1/assistants", b'{"model":"m"}'),
        # Without the beta header, not JSON, unknown parameters, too large: nobody is told.
        ("POST", "/v1/threads", b"{"),
        ("GET", "/v1/threads?limit=x", None),
        ("GET", "/v1/models?foo=1", None),
        ("POST", "/v1/threads", b" " * 2000),
        ("POST", "/v1/threads/t/runs", b'{"stream":true,"assistant_id":"a"}'),
    ],
)
async def test_without_a_good_key_nothing_is_learned(
    start_edge: StartEdge,
    core: FakeCore,
    headers: dict[str, str],
    code: str | None,
    verb: str,
    path: str,
    body: bytes | None,
) -> None:
    edge = await start_edge(core.address, body_limit=1000)
    async with (
        aiohttp.ClientSession(edge._base_url, headers=headers) as session,
        session.request(verb, path, data=body) as response,
    ):
        assert response.status == 401
        assert error_of(await response.json()) == ("invalid_request_error", None, code)


async def test_the_request_id_and_idempotency_key_are_passed_on(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    headers = {"Idempotency-Key": "k1", "X-Request-Id": "mine"}
    async with edge.post("/v1/threads", headers=headers) as response:
        shown = response.headers["x-request-id"]
    assert shown != "mine"
    assert core.calls[0].metadata["x-request-id"] == shown
    assert core.calls[0].metadata["idempotency-key"] == "k1"
    async with edge.post("/v1/threads", headers={"Idempotency-Key": "ключ"}) as response:
        assert response.status == 400
        assert error_of(await response.json())[1] == "Idempotency-Key"
    assert core.methods() == ["CreateThread", "CheckKey"]
