"""HTTP to one provider: a body out, a stream of decoded events back. All its I/O is here.

The ``openai`` client brings authentication, base URL, headers and proxies; the stream is read raw,
because each of its typed events costs as much as thirty decoded by orjson. Its own retries are
off: ``remote.py`` has ours.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final, Self, cast

import httpx2
import openai
import orjson

from understudy_server.models.failure import UpstreamFailure, reported
from understudy_server.models.loose import Json, as_list, as_object, as_text
from understudy_server.models.provider import ProviderConfig
from understudy_server.models.sse import EventTooLong, SseSplitter

_PLACEHOLDER_KEY: Final = "none"
"""The client insists on a key; servers without keys ignore it."""
_DRAIN_SECONDS: Final = 0.2
_NOT_EVENTS: Final = ("application/json", "text/html")


class EventStream:
    """The decoded events of one response, as they arrive.

    Iterating raises ``UpstreamFailure`` (dropped, stalled, malformed). It ends at ``[DONE]``, which
    sets ``announced``, or where the response ends.
    """

    def __init__(self, response: httpx2.Response) -> None:
        self._chunks = response.aiter_bytes()
        self._splitter = SseSplitter()
        self._ready: deque[bytes] = deque()
        self._over = False
        self.announced = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Json:
        while not self._ready:
            if self._over:
                raise StopAsyncIteration
            await self._read()
        data = self._ready.popleft()
        if data.strip() == b"[DONE]":
            self.announced = self._over = True
            self._ready.clear()
            raise StopAsyncIteration
        try:
            return _decoded(data)
        except UpstreamFailure:
            if self._over:  # half an event, because the connection ended within it
                raise UpstreamFailure(kind="dropped") from None
            raise

    async def drain(self) -> None:
        """Read the few bytes behind the last event, so that the connection can be used again."""
        with suppress(TimeoutError, httpx2.HTTPError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while await anext(self._chunks, None) is not None:
                    pass

    async def _read(self) -> None:
        try:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                self._over = True
                self._ready.extend(self._splitter.end())
            else:
                self._ready.extend(self._splitter.feed(chunk))
        except EventTooLong:
            raise UpstreamFailure(kind="malformed", message="an endless event") from None
        except (httpx2.HTTPError, OSError) as error:
            raise _broken(error) from error


def open_http_client(config: ProviderConfig) -> httpx2.AsyncClient:
    """Connections over aiohttp: less than half the time per chunk of the client's own default."""
    timeout = httpx2.Timeout(config.stall_timeout, connect=config.connect_timeout)
    return openai.DefaultAioHttpClient(timeout=timeout)


class Upstream:
    """One provider's HTTP API. ``http_client`` sets the timeouts, and is closed with this."""

    def __init__(self, config: ProviderConfig, http_client: httpx2.AsyncClient) -> None:
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
        try:
            stream = await self._client.post(
                path,
                cast_to=httpx2.Response,
                content=content,
                options={
                    "headers": {"Content-Type": "application/json", "Accept": "text/event-stream"}
                },
                stream=True,
                stream_cls=openai.AsyncStream[object],
            )
        except (openai.OpenAIError, httpx2.HTTPError, OSError) as error:
            raise _broken(error) from error
        # Typed as the stream class, but `cast_to` decides: this is the untouched response.
        response = cast("httpx2.Response", stream)
        try:
            kind = response.headers.get("content-type", "")
            if kind.startswith(_NOT_EVENTS):
                message = f"it is {kind}, not an event stream"
                raise UpstreamFailure(kind="malformed", message=message)
            yield EventStream(response)
        finally:
            await response.aclose()

    async def model_names(self) -> tuple[str, ...]:
        """What ``GET /models`` lists; raises ``UpstreamFailure``."""
        try:
            response = await self._client.get("/models", cast_to=httpx2.Response)
        except (openai.OpenAIError, httpx2.HTTPError, OSError) as error:
            raise _broken(error) from error
        listed = as_list(_decoded(response.content).get("data"))
        names = (as_text(as_object(entry).get("id")) for entry in listed)
        return tuple(name for name in names if name)

    async def close(self) -> None:
        await self._client.close()


def _decoded(data: bytes) -> Json:
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UpstreamFailure(kind="malformed", message=f"bad JSON: {error}") from None
    if not isinstance(event, dict):
        raise UpstreamFailure(kind="malformed", message="an event that is not an object")
    return event


def _broken(error: Exception) -> UpstreamFailure:
    """What happened, from the client's or the transport's exception."""
    if isinstance(error, openai.APIStatusError):
        failure = reported(error.body or error.response.reason_phrase)
        failure.status = error.status_code
        failure.retry_after = _retry_after(error.response.headers)
        return failure
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else error
    match cause:
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.PoolTimeout():
            return UpstreamFailure(kind="unreachable", message=str(cause))
        case httpx2.TimeoutException():
            return UpstreamFailure(kind="stalled")
        case httpx2.DecodingError() | httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
            return UpstreamFailure(kind="malformed", message=str(cause))
        case _:
            return UpstreamFailure(kind="dropped", message=str(cause))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds. A date is not read: those who limit model calls send numbers."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with suppress(ValueError):
            return max(0.0, float(headers.get(name, "")) * unit)
    return None
