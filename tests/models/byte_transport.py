"""A transport that answers each request with given bytes, in given chunks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import httpx2

from tests.models.fakes import InstantClock, numbered_ids
from understudy_server.models.chat import chat_dialect
from understudy_server.models.dialect import Dialect
from understudy_server.models.provider import DialectName, ProviderConfig
from understudy_server.models.remote import RemoteModel
from understudy_server.models.responses import responses_dialect
from understudy_server.models.upstream import Upstream


class Chunks(httpx2.AsyncByteStream):
    """A response's body, which tells how it was left; in the end it may break with an error."""

    def __init__(self, chunks: Sequence[bytes], error: Exception | None = None) -> None:
        self._chunks = chunks
        self._error = error
        self.exhausted = False
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        if self._error is not None:
            raise self._error
        self.exhausted = True

    async def aclose(self) -> None:
        self.closed = True


class ByteTransport(httpx2.AsyncBaseTransport):
    def __init__(self, body: Chunks, content_type: str) -> None:
        self._body = body
        self._content_type = content_type

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {"content-type": self._content_type}
        return httpx2.Response(200, headers=headers, stream=self._body, request=request)


def model_reading(
    body: Chunks, name: DialectName, *, content_type: str = "text/event-stream"
) -> RemoteModel:
    """A model that hears ``body``, once; it retries nothing."""
    config = ProviderConfig(name="acme", dialect=name, base_url="http://acme.test", max_retries=0)
    client = httpx2.AsyncClient(transport=ByteTransport(body, content_type), trust_env=False)
    dialect: Dialect = (responses_dialect if name == "responses" else chat_dialect)(numbered_ids())
    return RemoteModel(
        config=config,
        upstream=Upstream(config, client),
        dialect=dialect,
        clock=InstantClock(),
        jitter=lambda: 0.0,
    )
