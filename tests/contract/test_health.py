"""What a load balancer asks, without a key."""

from __future__ import annotations

from tests.contract.client import Api

_NO_KEY = {"Authorization": None, "OpenAI-Beta": None}


async def _plain(api: Api, path: str) -> tuple[int, str, bytes]:
    async with api.session.get(api.origin + path) as response:
        return response.status, response.headers["content-type"], await response.read()


async def test_health_is_exactly_this(api: Api) -> None:
    status, content_type, body = await _plain(api, "/health")
    assert (status, body) == (200, b'{"status":"ok"}')
    assert content_type.startswith("application/json")


async def test_ready_names_every_collaborator(api: Api) -> None:
    status, _, body = await _plain(api, "/ready")
    assert status == 200
    assert body == b'{"status": "ok", "checks": {"core": "ok", "store": "ok"}}'
