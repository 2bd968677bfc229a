"""Reading a request's body, never more of it than is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from understudy_edge.errors import TOO_LARGE_MESSAGE
from understudy_edge.problems import Problem

if TYPE_CHECKING:
    from aiohttp import web_request


async def read_body(request: web_request.BaseRequest, *, limit: int) -> bytes:
    """All of the body. Raises ``Problem`` as soon as it exceeds ``limit`` bytes, whatever its
    ``Content-Length`` says, and for one that breaks its own transfer or content encoding.
    """
    if not request.can_read_body:
        return b""
    if (request.content_length or 0) > limit:
        raise _too_large()
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > limit:
                raise _too_large()
            chunks.append(chunk)
    except web.RequestPayloadError as error:
        raise Problem("INVALID_VALUE", "The body of the request could not be decoded.") from error
    return b"".join(chunks)


def _too_large() -> Problem:
    return Problem("REQUEST_TOO_LARGE", TOO_LARGE_MESSAGE)
