"""The proxy notices what the other tests rely on it to notice."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from aiohttp import web

from tests.background import BackgroundLoop
from tests.e2e.proxy import ValidatingProxy

_EVENT = 'event: thread.run.created\ndata: {"id":"run_1"}\nid: 1-1\n\n'
_DONE = "event: done\ndata: [DONE]\n\n"


async def _answer(request: web.Request) -> web.Response:
    """Whatever the query asks for."""
    response = web.Response(
        text=request.query["body"],
        content_type=request.query["type"],
        headers={"x-request-id": request.query.get("id", "req_1")},
    )
    response.enable_chunked_encoding()
    return response


@pytest.fixture
def proxy(loop: BackgroundLoop) -> Iterator[ValidatingProxy]:
    app = web.Application()
    app.router.add_get("/v1/models", _answer)
    runner = web.AppRunner(app)
    loop.run(runner.setup())
    loop.run(web.TCPSite(runner, "127.0.0.1", 0).start())
    host, port = runner.addresses[0][:2]
    with ValidatingProxy(f"http://{host}:{port}") as proxy:
        yield proxy
    loop.run(runner.cleanup())


@pytest.mark.parametrize(
    ("query", "noticed"),
    [
        ({"type": "application/json", "body": '{"object":"list","data":[]}'}, []),
        ({"type": "application/json", "body": '{"object":"list"}'}, ["data"]),
        ({"type": "application/json", "body": '{"object":"list","data":[],"x":1}'}, ["x"]),
        ({"type": "application/json", "body": "{"}, ["Expecting"]),
        (
            {"type": "application/json", "body": '{"object":"list","data":[]}', "id": "1"},
            ["x-request-id"],
        ),
        ({"type": "text/event-stream", "body": ": ping\n" + _DONE}, []),
        ({"type": "text/event-stream", "body": _EVENT + _DONE}, ["RunObject"]),
        ({"type": "text/event-stream", "body": ""}, ["ends after ''"]),
        ({"type": "text/event-stream", "body": _DONE.replace("done", "x")}, ["Expecting", "ends"]),
    ],
)
def test_what_is_wrong_is_noticed(
    proxy: ValidatingProxy, query: dict[str, str], noticed: list[str]
) -> None:
    url = f"{proxy.origin}/v1/models"
    response = httpx2.get(url, params=query, timeout=60, trust_env=False)
    assert response.text == query["body"]
    violations = proxy.take_violations()
    assert len(violations) == len(noticed)
    for violation, part in zip(violations, noticed, strict=True):
        assert part in violation
    assert proxy.take_violations() == []
