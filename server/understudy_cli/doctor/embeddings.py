"""The model that makes vectors: one embedding is made with it."""

from __future__ import annotations

from dataclasses import replace

from understudy_cli.doctor.finding import Finding
from understudy_server.clock import Clock
from understudy_server.config import CoreConfig
from understudy_server.embeddings.opener import InvalidEmbeddings, OpenEmbeddings
from understudy_server.errors import EmbeddingError
from understudy_server.models.provider import ProviderConfig

_WHAT = "embeddings"
_CONNECT = 5.0
_ANSWER = 15.0
"""Seconds. A person waits for this."""


async def examine(core: CoreConfig, clock: Clock) -> Finding:
    try:
        opened = OpenEmbeddings(
            core.embeddings,
            dimensions=core.embedding_dimensions,
            models=replace(core.models, providers=tuple(map(_patient, core.models.providers))),
            clock=clock,
        )
    except InvalidEmbeddings as error:
        return Finding("FAIL", _WHAT, str(error).removeprefix("embeddings: "))
    try:
        model = opened.present
        if model is None:
            return _without(core.embeddings)
        began = clock.monotonic()
        vectors = await model.embed(["How long is a vector?"], of="query")
        took = (clock.monotonic() - began) * 1_000
    except EmbeddingError as error:
        return Finding("FAIL", _WHAT, f"{core.embeddings}: {error.message}")
    finally:
        await opened.close()
    words = f"{model.name} makes vectors of {vectors.shape[1]} dimensions ({took:.0f} ms)"
    return Finding("ok", _WHAT, words)


def _patient(provider: ProviderConfig) -> ProviderConfig:
    return replace(
        provider,
        connect_timeout=min(provider.connect_timeout, _CONNECT),
        stall_timeout=min(provider.stall_timeout, _ANSWER),
        max_retries=0,
    )


def _without(setting: str) -> Finding:
    words = "none: vector stores are searched by words alone"
    if setting == "none":
        return Finding("ok", _WHAT, words)
    return Finding(
        "warn",
        _WHAT,
        f"{words}. Name a model in UNDERSTUDY_EMBEDDINGS, or install the local one; `none` says that it is meant so",
    )
