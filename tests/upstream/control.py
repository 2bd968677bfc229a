"""Telling an upstream in another process what to do.

| request                                              | effect                               |
|------------------------------------------------------|--------------------------------------|
| ``POST /_script {"script": [...]}``                  | queue one script                     |
| ``POST /_release {"gate": "name"}``                  | open a gate                          |
| ``GET /_exchanges``                                  | what was asked, and how it ended     |
| ``DELETE /_exchanges``                               | forget recordings and queued scripts |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.upstream.steps import parse_scripts

if TYPE_CHECKING:
    from tests.upstream.server import ScriptedUpstream


def control_routes(upstream: ScriptedUpstream) -> list[web.RouteDef]:
    async def script(request: web.Request) -> web.Response:
        try:
            scripts = parse_scripts((await request.json())["script"])
        except (ValueError, TypeError, LookupError) as error:
            return web.json_response({"error": {"message": str(error)}}, status=400)
        for steps in scripts:
            upstream.queue(*steps)
        return web.json_response({"queued": len(scripts)})

    async def release(request: web.Request) -> web.Response:
        upstream.release((await request.json())["gate"])
        return web.json_response({})

    async def exchanges(_request: web.Request) -> web.Response:
        listed: list[dict[str, Any]] = [
            {
                "path": exchange.path,
                "headers": exchange.headers,
                "query": exchange.query,
                "body": exchange.body,
                "finished": exchange.finished.is_set(),
                "disconnected": exchange.disconnected.is_set(),
            }
            for exchange in upstream.exchanges
        ]
        return web.json_response({"exchanges": listed})

    async def forget(_request: web.Request) -> web.Response:
        upstream.forget()
        return web.json_response({})

    return [
        web.post("/_script", script),
        web.post("/_release", release),
        web.get("/_exchanges", exchanges),
        web.delete("/_exchanges", forget),
    ]
