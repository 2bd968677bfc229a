"""Bodies of every size and kind."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from tests.edge.conftest import StartEdge
from tests.edge.fake_core import FakeCore
from understudy_edge.app import SERVICES
from understudy_edge.routes import Route, compile_routes

LIMIT = 1000


async def chunks(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * size


@pytest.mark.parametrize(
    ("data", "headers", "status"),
    [
        (b" " * LIMIT, {}, 400),
        (b"{}" + b" " * (LIMIT - 2), {}, 200),
        (b"{}" + b" " * LIMIT, {}, 413),
        (chunks(100, 9), {}, 400),
        (chunks(100, 11), {}, 413),
        (chunks(100_000, 20), {}, 413),
        (zlib.compress(b"{}" + b" " * 900), {"Content-Encoding": "deflate"}, 200),
        (zlib.compress(b" " * 10_000_000), {"Content-Encoding": "deflate"}, 413),
        (b"not deflated", {"Content-Encoding": "deflate"}, 400),
    ],
)
async def test_no_more_than_the_limit(
    start_edge: StartEdge, core: FakeCore, data: Any, headers: dict[str, str], status: int
) -> None:
    edge = await start_edge(core.address, body_limit=LIMIT)
    async with edge.post("/v1/threads", data=data, headers=headers) as response:
        assert response.status == status
        body = await response.json()
    if status == 413:
        assert body["error"]["code"] == "request_too_large"
        assert core.methods() == ["CheckKey"]


async def test_a_body_of_some_megabytes_is_fine(
    edge: aiohttp.ClientSession, core: FakeCore
) -> None:
    url = "data:image/png;base64," + "A" * 6_000_000
    part = {"type": "image_url", "image_url": {"url": url}}
    body = BytesIO(orjson.dumps({"role": "user", "content": [part]}))
    async with edge.post("/v1/threads/t/messages", data=body) as response:
        assert response.status == 200
    assert core.request("CreateMessage").content.parts.parts[0].image_url.url == url


ROUTES = compile_routes(SERVICES)
KEYS = sorted({name for route in ROUTES for name in route.request.fields_by_name} | {"type", ""})
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["user", "text", "auto", "function", "1-1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=8,
)
BODIES = st.binary(max_size=40) | VALUES.map(orjson.dumps)


@st.composite
def near_requests(draw: st.DrawFn, route: Route) -> bytes:
    """Objects with the fields of the request, and anything in them."""
    names = st.sampled_from(sorted(route.request.fields_by_name))
    return orjson.dumps(draw(st.dictionaries(names, VALUES, max_size=4)))


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_any_bytes_get_an_answer_in_the_contracts_shape(
    edge: aiohttp.ClientSession, data: st.DataObject
) -> None:
    route = data.draw(st.sampled_from(ROUTES))
    near = near_requests(route) if route.request.fields else BODIES
    body = data.draw(BODIES | near)
    query = data.draw(st.dictionaries(st.sampled_from(KEYS), st.text(max_size=4), max_size=2))
    path = route.template.replace("=**}", "}").format_map(dict.fromkeys(route.path_fields, "x"))
    headers = {"Content-Type": data.draw(st.sampled_from(["application/json", "text/x", "a"]))}
    async with edge.request(route.verb, path, data=body, params=query, headers=headers) as response:
        text = await response.read()
        assert response.status in {200, 400}, text
        if response.status == 400:
            assert set(orjson.loads(text)["error"]) == {"message", "type", "param", "code"}


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=12))
async def test_any_id_reaches_the_core_as_it_was(
    edge: aiohttp.ClientSession, core: FakeCore, text: str
) -> None:
    if text in {"", ".", ".."}:
        return
    core.calls.clear()
    path = URL(f"/v1/threads/{quote(text, safe='')}", encoded=True)
    async with edge.get(path) as response:
        assert response.status == 200
    assert core.request("GetThread").thread_id == text
