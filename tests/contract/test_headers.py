"""What every response says about itself, whatever it is."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.contract.client import Answer, Api
from tests.contract.conftest import BODY_LIMIT, PAGE
from tests.contract.world import World

_RUN = {"assistant_id": "<assistant>"}

KINDS: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "list": ("GET", "/assistants", {}, 200),
    "object": ("GET", "/threads/<thread>/runs/<run>", {}, 200),
    "models": ("GET", "/models", {}, 200),
    "created": ("POST", "/threads", {"body": {}}, 200),
    "stream": ("POST", "/threads/runs", {"body": {**_RUN, "stream": True}}, 200),
    "joined stream": ("GET", "/threads/<thread>/runs/<run>/events", {}, 200),
    "head": ("HEAD", "/assistants", {}, 200),
    "not JSON": ("POST", "/threads", {"raw": b"{"}, 400),
    "limit": ("GET", "/assistants?limit=0", {}, 400),
    "state": ("POST", "/threads/<thread>/runs/<run>/cancel", {}, 400),
    "refused stream": ("POST", "/threads/runs", {"body": {"stream": True}}, 400),
    "no key": ("GET", "/assistants", {"headers": {"Authorization": None}}, 401),
    "no beta": ("GET", "/assistants", {"headers": {"OpenAI-Beta": None}}, 400),
    "not found": ("GET", "/assistants/asst_absent", {}, 404),
    "unknown URL": ("GET", "/nowhere", {}, 404),
    "wrong method": ("PUT", "/assistants", {}, 405),
    "too large": ("POST", "/threads", {"raw": b" " * (BODY_LIMIT + 1)}, 413),
}


async def _answer(api: Api, world: World, kind: str, **more: str) -> Answer:
    method, path, request, status = KINDS[kind]
    headers = {**request.get("headers", {}), **more}
    answer = await api.call(
        method,
        world.fill(path),
        world.fill(request.get("body")),
        raw=request.get("raw"),
        headers=headers,
    )
    assert answer.status == status
    return answer


@pytest.mark.parametrize("kind", KINDS)
async def test_headers_of_every_response(looker: Api, world: World, kind: str) -> None:
    answer = await _answer(looker, world, kind)
    assert re.fullmatch(r"req_[0-9a-f]{32}", answer.headers["x-request-id"])
    assert re.fullmatch(r"[0-9]+", answer.headers["openai-processing-ms"])
    assert answer.headers["openai-version"] == "2020-10-01"
    assert answer.headers["server"] == "understudy"
    assert "openai-organization" not in answer.headers
    if kind.endswith("stream") and kind != "refused stream":
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["transfer-encoding"] == "chunked"
    else:
        assert answer.headers["content-type"] == "application/json"
        assert "transfer-encoding" not in answer.headers


async def test_request_ids_are_unique(looker: Api, world: World) -> None:
    answers = [await _answer(looker, world, kind) for kind in KINDS]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
async def test_organization_and_project_are_echoed(looker: Api, world: World, kind: str) -> None:
    given = {"OpenAI-Organization": "org-a", "OpenAI-Project": "proj_b"}
    answer = await _answer(looker, world, kind, **given)
    assert answer.headers["openai-organization"] == "org-a"
    assert answer.headers["openai-project"] == "proj_b"


@pytest.mark.parametrize("kind", KINDS)
async def test_only_what_is_polled_says_when_to_ask_again(
    looker: Api, world: World, kind: str
) -> None:
    answer = await _answer(looker, world, kind)
    # A plain integer: the Python SDK stops at anything else.
    assert answer.headers.get("openai-poll-after-ms") == ("20" if kind == "object" else None)


async def test_what_the_sdks_tell_about_themselves_is_ignored(looker: Api, world: World) -> None:
    told = {"X-Stainless-Retry-Count": "2", "X-Stainless-Lang": "python", "Accept": "text/plain"}
    answer = await _answer(looker, world, "list", **told)
    assert answer.headers["content-type"] == "application/json"


async def test_a_stream_is_chosen_by_the_body_alone(looker: Api, world: World) -> None:
    answer = await _answer(looker, world, "stream", Accept="application/json")
    assert answer.is_stream
    body = world.fill({**_RUN, "stream": False})
    for value in (body, {**body, "stream": None}):
        one = await looker.call(
            "POST", "/threads/runs", value, headers={"Accept": "text/event-stream"}
        )
        assert one.value["object"] == "thread.run"


class TestWebPages:
    async def test_a_preflight_needs_no_key(self, looker: Api) -> None:
        asked = {
            "Origin": PAGE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,openai-beta,x-stainless-lang",
            "Authorization": None,
        }
        answer = await looker.call("OPTIONS", "/threads/runs", headers=asked)
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert answer.headers["access-control-allow-methods"] == "GET, POST, DELETE"
        assert (
            answer.headers["access-control-allow-headers"]
            == "authorization,openai-beta,x-stainless-lang"
        )
        assert "x-request-id" in answer.headers

    @pytest.mark.parametrize("kind", KINDS)
    async def test_a_page_may_read_every_answer(self, looker: Api, world: World, kind: str) -> None:
        answer = await _answer(looker, world, kind, Origin=PAGE)
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "x-request-id" in answer.headers["access-control-expose-headers"]

    @pytest.mark.parametrize("origin", ["https://other.example", "null", f"{PAGE}.evil.example"])
    async def test_other_pages_may_not(self, looker: Api, world: World, origin: str) -> None:
        answer = await _answer(looker, world, "list", Origin=origin)
        assert "access-control-allow-origin" not in answer.headers
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        preflight = await looker.call("OPTIONS", "/threads", headers=asked)
        assert preflight.status == 405
        assert "access-control-allow-methods" not in preflight.headers
