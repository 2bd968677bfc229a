"""A model behind HTTP: one dialect, one provider, and the retries for both."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import orjson
import structlog

from understudy_server.clock import Clock
from understudy_server.models.complaints import model_error
from understudy_server.models.dialect import Dialect
from understudy_server.models.failure import UpstreamFailure
from understudy_server.models.port import ModelError, ModelEvent, ModelRequest, Sent
from understudy_server.models.provider import ProviderConfig
from understudy_server.models.retry import RetryPolicy, retry_delay
from understudy_server.models.shown_url import shown_url
from understudy_server.models.upstream import Upstream


class RemoteModel:
    """The ``Model`` port over HTTP. ``jitter`` gives random numbers in [0, 1)."""

    def __init__(
        self,
        *,
        config: ProviderConfig,
        upstream: Upstream,
        dialect: Dialect,
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        self._provider = config.name
        self._secrets = tuple(filter(None, (config.api_key, *config.headers.values())))
        self._url = shown_url(config.base_url, dialect.path, self._secrets)
        self._policy = RetryPolicy(max_retries=config.max_retries)
        self._upstream = upstream
        self._dialect = dialect
        self._clock = clock
        self._jitter = jitter
        self._log = structlog.get_logger().bind(provider=config.name)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        content = orjson.dumps(self._dialect.build_body(request))
        retries_made = 0
        while True:
            delivered = False
            if request.show_sent:
                yield Sent(dialect=self._dialect.name, url=self._url, body=content)
            try:
                async with aclosing(self._attempt(content)) as events:
                    async for event in events:
                        delivered = True
                        yield event
            except UpstreamFailure as failure:
                delay = retry_delay(
                    self._policy,
                    failure,
                    retries_made=retries_made,
                    delivered=delivered,
                    jitter=self._jitter(),
                )
                self._log_failure(failure, delay)
                if delay is None:
                    # Without the cause: the provider's own words may repeat a key.
                    raise self._error(failure, partial=delivered) from None
            else:
                return
            retries_made += 1
            await self._clock.sleep(delay)

    async def list_models(self) -> tuple[str, ...]:
        try:
            return await self._upstream.model_names()
        except UpstreamFailure as failure:
            raise self._error(failure, partial=False) from None

    async def close(self) -> None:
        await self._upstream.close()

    async def _attempt(self, content: bytes) -> AsyncGenerator[ModelEvent, None]:
        parser = self._dialect.new_parser()
        async with self._upstream.post(self._dialect.path, content) as stream:
            try:
                async for event in stream:
                    for model_event in parser.feed(event):
                        yield model_event
                    if parser.finished:
                        break
            except UpstreamFailure as failure:
                # Nothing is lost with a connection that breaks, or falls silent, after the end.
                if failure.kind == "refused" or not parser.complete:
                    raise
            for model_event in parser.end(announced=stream.announced):
                yield model_event
            await stream.drain()

    def _error(self, failure: UpstreamFailure, *, partial: bool) -> ModelError:
        return model_error(self._provider, failure, partial=partial, secrets=self._secrets)

    def _log_failure(self, failure: UpstreamFailure, delay: float | None) -> None:
        """Without the provider's message: it may quote the conversation."""
        event = "model_call_failed" if delay is None else "model_call_retried"
        self._log.warning(
            event, kind=failure.kind, status=failure.status, code=failure.code, delay=delay
        )
