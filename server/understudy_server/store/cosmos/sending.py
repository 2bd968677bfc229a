"""How requests go out: one try each, within a deadline, except where Cosmos DB asks to wait.

The SDK repeats requests by itself, also writes whose answer was lost, and waits longer than a caller would. Here a
request is repeated only when the answer says that nothing was done (429 and 449), after the pause that it names, and
only while the call's time lasts. Everything else is told to the caller as what it is.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientConnectorError, ConnectionTimeoutError
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos.exceptions import CosmosHttpResponseError

from understudy_server.clock import Clock
from understudy_server.errors import OutcomeUnknown, StoreUnavailable, Unsent

TIMEOUT = 10.0
"""Seconds for one call, with all its requests and pauses."""

CONNECT_TIMEOUT = 4.0

UNHINTED_PAUSE = 0.1
"""Seconds to wait when Cosmos DB asks to, and does not say how long."""

LARGE = 100_000
"""Characters of a body from which on it is sent piece by piece, since aiohttp warns of larger ones."""

HINT = "x-ms-retry-after-ms"

_deadline: ContextVar[float] = ContextVar("deadline")
"""By the clock's monotonic time: when the present call ends."""


class Transport(AioHttpTransport):  # type: ignore[misc]  # its package exports it without a type
    """Below the SDK. Its own errors of the domain pass through the SDK as they are."""

    def __init__(
        self, clock: Clock, hear: Callable[[float, float, str], None], *, proxies: bool
    ) -> None:
        """``hear`` gets the date of each answer, and between which monotonic times it was given.

        ``proxies``: whether those of the environment are used.
        """
        super().__init__(use_env_settings=proxies)
        self._clock = clock
        self._hear = hear

    async def send(self, request: Any, **config: Any) -> Any:
        if urlsplit(request.url).path in {"", "/"}:
            # About the account: the SDK looks by itself which regions are there, and knows its own errors.
            return await super().send(request, **config)
        while True:
            before = self._clock.monotonic()
            response = await self._try(request, config)
            after = self._clock.monotonic()
            if date := response.headers.get("date"):
                self._hear(before, after, date)
            pause = asked_to_wait(response.status_code, response.headers)
            if pause is None:
                refuse_doubt(response.status_code)
                return response
            if after + pause >= _deadline.get(after + TIMEOUT):
                raise StoreUnavailable("Cosmos DB has no throughput left (429): raise its RU/s")
            await self._clock.sleep(pause)

    async def _try(self, request: Any, config: Mapping[str, Any]) -> Any:
        body = request.data
        if isinstance(body, str) and len(body) > LARGE:
            request.data = io.BytesIO(body.encode())
        try:
            return await super().send(request, **config)
        except (ServiceRequestError, ServiceResponseError) as error:
            if never_sent(error):
                raise Unsent(f"Cosmos DB cannot be reached: {error}") from error
            raise OutcomeUnknown(f"Cosmos DB did not answer: {error!r}") from error
        finally:
            request.data = body


def asked_to_wait(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds to wait before the same request may come again; None: not asked to."""
    if status not in (429, 449):
        return None
    try:
        return max(0.0, int(headers[HINT]) / 1000)
    except (KeyError, ValueError):
        return UNHINTED_PAUSE


def refuse_doubt(status: int) -> None:
    """Raise ``OutcomeUnknown`` for an answer that does not tell whether it was done."""
    if status == 408 or status >= 500:
        raise OutcomeUnknown(f"Cosmos DB answered {status}")


def never_sent(error: BaseException | None) -> bool:
    """Whether it was connecting that failed."""
    while error is not None:
        if isinstance(error, ClientConnectorError | ConnectionTimeoutError):
            return True
        error = error.__cause__ or error.__context__
    return False


@asynccontextmanager
async def one_call(clock: Clock, timeout: float = TIMEOUT) -> AsyncIterator[None]:
    """Gives the body its deadline.

    Raises ``Unsent``, ``OutcomeUnknown`` (also when the time is over), or ``StoreUnavailable`` when it was refused.
    """
    token = _deadline.set(clock.monotonic() + timeout)
    try:
        async with asyncio.timeout(timeout):
            yield
    except TimeoutError as error:
        raise OutcomeUnknown(f"Cosmos DB did not answer in {timeout:g} seconds") from error
    except CosmosHttpResponseError as error:
        raise StoreUnavailable(f"Cosmos DB refused: {refusal(error)}") from error
    except AzureError as error:
        raise OutcomeUnknown(f"Cosmos DB: {error!r}") from error
    finally:
        _deadline.reset(token)


@asynccontextmanager
async def one_read(clock: Clock, timeout: float = TIMEOUT) -> AsyncIterator[None]:
    """As ``one_call``, for what may be given up and asked again: raises ``StoreUnavailable`` only."""
    try:
        async with one_call(clock, timeout):
            yield
    except OutcomeUnknown as error:
        raise StoreUnavailable(error.message) from error


def refusal(error: CosmosHttpResponseError) -> str:
    """Status and first line, without the pages of diagnostics that follow them."""
    text = str(error.http_error_message or error)
    start, brace, rest = text.partition("{")
    try:
        text = json.loads(brace + rest)["message"]
    except (ValueError, KeyError, TypeError):
        text = start + brace + rest
    return f"{error.status_code} {text.splitlines()[0][:300] if text else ''}".strip()
