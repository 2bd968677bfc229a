"""Cross-origin calls from browsers. Keys travel in headers, never in cookies, so no credentials mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy_edge.config import CorsPolicy

_EXPOSED: Final = (
    "x-request-id, openai-processing-ms, openai-version, openai-organization, openai-project, "
    "openai-poll-after-ms, retry-after, "
    "x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "
    "x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens"
)
_ANY: Final = "*"


class Cors:
    """Answers preflight requests and marks responses, for the origins of the policy."""

    def __init__(self, policy: CorsPolicy) -> None:
        self._any = _ANY in policy.origins
        self._origins = frozenset(policy.origins)
        self._methods = ", ".join(policy.methods)
        self._max_age = str(policy.max_age)

    def preflight(self, request: web.Request) -> web.Response | None:
        """The answer to a preflight request of an admitted page; None for any other request.

        A browser sends no key with it, and asks for whatever headers the page's client library
        uses: they are granted as asked.
        """
        asked = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD)
        origin = request.headers.get(hdrs.ORIGIN)
        if request.method != hdrs.METH_OPTIONS or not asked or not self._admits(origin):
            return None
        headers = {
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: self._methods,
            hdrs.ACCESS_CONTROL_MAX_AGE: self._max_age,
        }
        wanted = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS)
        if wanted and wanted.isascii():
            headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = wanted
        return web.Response(status=204, headers=headers)

    def headers(self, request_headers: Mapping[str, str]) -> dict[str, str]:
        """What any response to an admitted page carries, errors included."""
        origin = request_headers.get(hdrs.ORIGIN)
        # Caches on the way must know that responses differ by origin, also those to other pages.
        headers: dict[str, str] = {} if self._any or not self._origins else {hdrs.VARY: "Origin"}
        if origin is not None and self._admits(origin):
            headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = _ANY if self._any else origin
            headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED
        return headers

    def _admits(self, origin: str | None) -> bool:
        return origin is not None and (self._any or origin in self._origins)
