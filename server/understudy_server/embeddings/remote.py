"""Embeddings of a model provider, over ``/v1/embeddings``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import structlog

from understudy_server.clock import Clock
from understudy_server.embeddings import wire
from understudy_server.embeddings.batches import (
    MOST_TEXTS,
    SHORTEST,
    batches,
    is_about,
    is_too_much,
    prepared,
)
from understudy_server.embeddings.port import Vectors
from understudy_server.errors import EmbeddingError
from understudy_server.models.complaints import model_error
from understudy_server.models.failure import UpstreamFailure
from understudy_server.models.provider import ProviderConfig
from understudy_server.models.retry import RetryPolicy, retry_delay
from understudy_server.models.upstream import Upstream

PATH: Final = "/embeddings"
_PATIENT: Final = RetryPolicy(max_retries=6, longest_delay=30.0, longest_retry_after=120.0)
"""Nobody waits for the passages of a file; for the answer to a question somebody does."""
_AT_A_TIME: Final = {"passage": 3, "query": 16}
"""Requests. Questions do not wait behind files."""


@dataclass(slots=True)
class _Learned:
    """What this provider turned out to take."""

    base64: bool = True
    most_texts: int = MOST_TEXTS
    dimensions: int = field(default=0)
    """0: nothing has come yet."""


class RemoteEmbeddings:
    """The ``Embeddings`` port over HTTP. ``jitter`` gives random numbers in [0, 1)."""

    def __init__(
        self,
        *,
        config: ProviderConfig,
        model: str,
        dimensions: int,
        upstream: Upstream,
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        """``dimensions``: what the provider is asked for; 0 for the model's own. ``upstream`` is closed with this."""
        self._provider = config.name
        self._model = model
        self._asked = dimensions
        self._secrets = tuple(filter(None, (config.api_key, *config.headers.values())))
        self._policies = {
            "passage": _PATIENT,
            "query": RetryPolicy(max_retries=config.max_retries),
        }
        self._slots = {of: asyncio.Semaphore(most) for of, most in _AT_A_TIME.items()}
        self._upstream = upstream
        self._clock = clock
        self._jitter = jitter
        self._learned = _Learned(dimensions=dimensions)
        self._log = structlog.get_logger().bind(provider=config.name, model=model)

    @property
    def name(self) -> str:
        return f"{self._provider}/{self._model}"

    async def embed(self, texts: Sequence[str], *, of: Literal["passage", "query"]) -> Vectors:
        if not texts:
            return np.zeros((0, self._learned.dimensions), dtype=np.float32)
        ready = [prepared(text) for text in texts]
        portions = batches(ready, most_texts=self._learned.most_texts)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._portion([ready[i] for i in portion], of))
                    for portion in portions
                ]
        except* EmbeddingError as failed:
            error = _first(failed)
            # Without the cause: the provider's own words may repeat a key.
            raise EmbeddingError(error.message) from None
        return np.concatenate([task.result() for task in tasks])

    async def close(self) -> None:
        await self._upstream.close()

    async def _portion(self, texts: Sequence[str], of: Literal["passage", "query"]) -> Vectors:
        async with self._slots[of]:
            return await self._divided(texts, of)

    async def _divided(self, texts: Sequence[str], of: Literal["passage", "query"]) -> Vectors:
        """In one request, or in several smaller ones if that is too much; a single text is cut."""
        try:
            return await self._request(texts, of)
        except UpstreamFailure as failure:
            if not is_too_much(failure):
                raise self._error(failure) from None
            if len(texts) == 1:
                (text,) = texts
                if len(text) <= SHORTEST:
                    raise self._error(failure) from None
                self._log.info("text_cut_for_embedding", characters=len(text), to=len(text) // 2)
                return await self._divided([text[: len(text) // 2]], of)
            if "batch size" in failure.message.lower():
                # Of texts; the next ones need not find out again.
                self._learned.most_texts = min(self._learned.most_texts, len(texts) // 2)
        half = len(texts) // 2
        parts = [await self._divided(part, of) for part in (texts[:half], texts[half:])]
        return np.concatenate(parts)

    async def _request(self, texts: Sequence[str], of: Literal["passage", "query"]) -> Vectors:
        """Raises ``UpstreamFailure``, after all retries."""
        retries_made = 0
        while True:
            encoded = self._learned.base64
            content = wire.body(self._model, texts, dimensions=self._asked, base64=encoded)
            try:
                found = wire.vectors(await self._upstream.ask(PATH, content), len(texts))
                self._check_dimensions(found)
            except UpstreamFailure as failure:
                if encoded and is_about(failure, "encoding_format"):
                    self._learned.base64 = False
                    continue
                if is_too_much(failure):
                    raise
                delay = retry_delay(
                    self._policies[of],
                    failure,
                    retries_made=retries_made,
                    delivered=False,
                    jitter=self._jitter(),
                )
                event = "embedding_failed" if delay is None else "embedding_retried"
                # Without the provider's message: it may quote the text.
                self._log.warning(
                    event,
                    kind=failure.kind,
                    status=failure.status,
                    code=failure.code,
                    texts=len(texts),
                    delay=delay,
                )
                if delay is None:
                    raise
                retries_made += 1
                await self._clock.sleep(delay)
            else:
                return found

    def _check_dimensions(self, found: Vectors) -> None:
        length, known = found.shape[1], self._learned.dimensions
        if known and length != known:
            raise UpstreamFailure(
                kind="malformed",
                message=f"vectors of {length} dimensions came where {known} were expected",
            )
        self._learned.dimensions = length

    def _error(self, failure: UpstreamFailure) -> EmbeddingError:
        told = model_error(self._provider, failure, partial=False, secrets=self._secrets)
        return EmbeddingError(told.message)


def _first(failed: BaseExceptionGroup[EmbeddingError]) -> EmbeddingError:
    error: BaseException = failed
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, EmbeddingError)
    return error
