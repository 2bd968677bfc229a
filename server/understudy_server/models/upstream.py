"""HTTP to one provider: a body out, a stream of decoded events back. All its I/O is here and in ``event_stream.py``.

The ``openai`` client brings authentication, base URL, headers and proxies; the stream is read raw,
because each of its typed events costs as much as thirty decoded by orjson. Its own retries are
off: ``remote.py`` has ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Final, cast

import httpx2
import openai

from understudy_server.models.event_stream import EventStream, beginning, decoded, whole
from understudy_server.models.failure import UpstreamFailure
from understudy_server.models.loose import Json, as_list, as_object, as_text
from understudy_server.models.mishaps import MISHAPS, mishap
from understudy_server.models.provider import ProviderConfig
from understudy_server.models.refusals import LONGEST_EXPLANATION, refusal, unstreamed

_PLACEHOLDER_KEY: Final = "none"
"""The client insists on a key; servers without keys ignore it."""
_NOT_EVENTS: Final = ("application/json", "text/html")
_READ_COMPRESSED: Final = frozenset({"", "identity", "gzip", "deflate"})


def open_http_client(config: ProviderConfig) -> httpx2.AsyncClient:
    """Connections over aiohttp: less than half the time per chunk of the client's own default."""
    timeout = httpx2.Timeout(config.stall_timeout, connect=config.connect_timeout)
    # A redirect would carry the conversation, and keys in headers, to whom the provider names.
    return openai.DefaultAioHttpClient(timeout=timeout, follow_redirects=False)


class Upstream:
    """One provider's HTTP API. ``http_client`` sets the timeouts, and is closed with this."""

    def __init__(self, config: ProviderConfig, http_client: httpx2.AsyncClient) -> None:
        self._config = config
        hooks = http_client.event_hooks
        # Before the client looks at it: that would read the whole body, however long it is.
        http_client.event_hooks = {**hooks, "response": [*hooks["response"], _check_status]}
        self._client = openai.AsyncOpenAI(
            api_key=config.api_key or _PLACEHOLDER_KEY,
            base_url=config.base_url,
            default_headers=config.headers,
            default_query=config.query,
            max_retries=0,
            timeout=http_client.timeout,
            http_client=http_client,
        )
        # Left to itself the client takes these from the environment, for whichever provider.
        self._client.organization = config.organization
        self._client.project = config.project

    @asynccontextmanager
    async def post(self, path: str, content: bytes) -> AsyncIterator[EventStream]:
        """Send JSON, and read events inside the block; leaving it closes the connection.

        Raises ``UpstreamFailure``.
        """
        response = await self._posted(path, content, {"Accept": "text/event-stream"})
        try:
            await _check_kind(response)
            yield EventStream(response, self._config)
        finally:
            await response.aclose()

    async def ask(self, path: str, content: bytes) -> Json:
        """Send JSON, and read one JSON object. Raises ``UpstreamFailure``."""
        response = await self._posted(path, content, {})
        try:
            return decoded(await whole(response, self._config))
        finally:
            await response.aclose()

    async def model_names(self) -> tuple[str, ...]:
        """What ``GET /models`` lists; raises ``UpstreamFailure``."""
        response = await self._answered(
            self._client.get(
                "/models",
                cast_to=httpx2.Response,
                stream=True,
                stream_cls=openai.AsyncStream[object],
            )
        )
        try:
            listed = as_list(decoded(await whole(response, self._config)).get("data"))
        finally:
            await response.aclose()
        names = (as_text(as_object(entry).get("id")) for entry in listed)
        return tuple(name for name in names if name)

    async def _posted(
        self, path: str, content: bytes, headers: Mapping[str, str]
    ) -> httpx2.Response:
        return await self._answered(
            self._client.post(
                path,
                cast_to=httpx2.Response,
                content=content,
                options={"headers": {"Content-Type": "application/json", **headers}},
                stream=True,
                stream_cls=openai.AsyncStream[object],
            )
        )

    async def _answered(self, call: Awaitable[openai.AsyncStream[object]]) -> httpx2.Response:
        """The head of the answer has come; who gets it closes it. Raises ``UpstreamFailure``."""
        try:
            async with self._patience():
                stream = await call
        except MISHAPS as error:
            raise mishap(error, self._config) from error
        # Typed as the stream class, but `cast_to` decides: this is the untouched response.
        return cast("httpx2.Response", stream)

    def _patience(self) -> asyncio.Timeout:
        """For the head of an answer: the transport's own timeout ends with the first interim one."""
        return asyncio.timeout(self._config.connect_timeout + self._config.stall_timeout)

    async def close(self) -> None:
        await self._client.close()


async def _check_status(response: httpx2.Response) -> None:
    if not response.is_success:
        body = await beginning(response, LONGEST_EXPLANATION)
        raise refusal(response.status_code, response.headers, body)


async def _check_kind(response: httpx2.Response) -> None:
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _READ_COMPRESSED:
        message = f"it is compressed as {encoding}, which was not asked for"
        raise UpstreamFailure(kind="malformed", message=message)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith(_NOT_EVENTS):
        raise unstreamed(kind, await beginning(response, LONGEST_EXPLANATION))
