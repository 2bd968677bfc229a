"""Who serves a request: a route of the contract, or nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from understudy_edge.errors import refusal_of_problem
from understudy_edge.matcher import Match, Matcher, WrongMethod
from understudy_edge.middleware import EXCHANGE, error_response
from understudy_edge.problems import Problem

if TYPE_CHECKING:
    from understudy_edge.transcode import Transcoder


class Dispatcher:
    """The handler of every path that is not an edge's own."""

    def __init__(self, matcher: Matcher, transcoder: Transcoder) -> None:
        self._matcher = matcher
        self._transcoder = transcoder

    async def handle(self, request: web.Request) -> web.StreamResponse:
        found = self._match(request)
        exchange = request[EXCHANGE]
        if isinstance(found, Match):
            exchange.route = found.route.template
            return await self._transcoder.serve(request, found, request_id=exchange.request_id)
        if found is None:
            message = f"Invalid URL ({request.method} {request.path})"
            raise Problem("UNKNOWN_URL", message)
        response = error_response(
            refusal_of_problem(
                Problem(
                    "METHOD_NOT_ALLOWED",
                    f"Not allowed to {request.method} on {request.path}. "
                    "(HINT: Perhaps you meant to use a different HTTP method?)",
                )
            )
        )
        response.headers[hdrs.ALLOW] = ", ".join(found.allowed)
        return response

    def _match(self, request: web.Request) -> Match | WrongMethod | None:
        path = request.rel_url.raw_path
        if request.method != hdrs.METH_HEAD:
            return self._matcher.match(request.method, path)
        # The answer to HEAD is that to GET without its body, which a stream of events does not have.
        found = self._matcher.match(hdrs.METH_GET, path)
        if isinstance(found, Match) and found.route.unary is found.route.download is None:
            return WrongMethod((hdrs.METH_GET,))
        return found
