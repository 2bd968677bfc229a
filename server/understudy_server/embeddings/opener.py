"""From the setting to the models that make vectors: the one place that knows which class is which."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from understudy_server.clock import Clock
from understudy_server.embeddings.bert import BrokenWeights
from understudy_server.embeddings.local import NAME, LocalEmbeddings, LocalMissing, model_folder
from understudy_server.embeddings.port import Embeddings
from understudy_server.embeddings.remote import RemoteEmbeddings
from understudy_server.models.provider import ModelsConfig, ProviderConfig
from understudy_server.models.upstream import Upstream, open_http_client

_FORMS: Final = "`provider/model`, `local`, `none` or `auto`"


class InvalidEmbeddings(ValueError):
    """A mistake in the configuration; the text says what to write instead."""


class OpenEmbeddings:
    """Implements ``EmbeddingModels``; opens what is asked for once."""

    def __init__(
        self,
        setting: str,
        *,
        dimensions: int,
        models: ModelsConfig,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
        open_local: Callable[[], LocalEmbeddings] | None = None,
    ) -> None:
        """Raises ``InvalidEmbeddings``."""
        self._providers: Mapping[str, ProviderConfig] = {p.name: p for p in models.providers}
        self._clock = clock
        self._jitter = jitter
        self._open_local = open_local or _open_local
        self._local_tried = False
        self._opened: dict[tuple[str, int], Embeddings] = {}
        self._dimensions = dimensions
        self.present: Embeddings | None = self._choose(setting)

    def named(self, name: str, dimensions: int) -> Embeddings | None:
        present = self.present
        if present is not None and present.name == name and self._dimensions in (0, dimensions):
            return present
        if name == NAME:
            return self._local_if_there()
        if (name, dimensions) not in self._opened:
            provider, _, model = name.partition("/")
            config = self._providers.get(provider)
            if config is None or config.dialect == "demo" or not model:
                return None
            # Asked for no length: a model whose own it is may not take the parameter.
            asked = dimensions if self._dimensions and present and present.name == name else 0
            self._opened[name, dimensions] = self._remote(config, model, asked)
        return self._opened[name, dimensions]

    async def close(self) -> None:
        for opened in self._opened.values():
            await opened.close()
        self._opened.clear()

    def _choose(self, setting: str) -> Embeddings | None:
        log = structlog.get_logger()
        if setting in ("none", ""):
            log.info("embeddings_none", meaning="vector stores are searched by words alone")
            return None
        if setting == "auto":
            local = self._local_if_there()
            if local is None:
                log.info(
                    "embeddings_none",
                    meaning="vector stores are searched by words alone: no local model is installed, "
                    "and UNDERSTUDY_EMBEDDINGS names no other",
                )
            else:
                log.info("embeddings", model=local.name)
            return local
        chosen = self._local() if setting == "local" else self._named_in(setting)
        log.info("embeddings", model=chosen.name, dimensions=self._dimensions or None)
        return chosen

    def _named_in(self, setting: str) -> Embeddings:
        name, _, model = setting.partition("/")
        config = self._providers.get(name)
        if not model:
            raise InvalidEmbeddings(f"embeddings: '{setting}' must be {_FORMS}")
        if config is None:
            known = ", ".join(self._providers)
            raise InvalidEmbeddings(
                f"embeddings: '{setting}' names the provider '{name}', which is not configured"
                f" (there are: {known})"
            )
        if config.dialect == "demo":
            raise InvalidEmbeddings(f"embeddings: the provider '{name}' makes no vectors")
        opened = self._remote(config, model, self._dimensions)
        self._opened[setting, self._dimensions] = opened
        return opened

    def _remote(self, config: ProviderConfig, model: str, dimensions: int) -> Embeddings:
        return RemoteEmbeddings(
            config=config,
            model=model,
            dimensions=dimensions,
            upstream=Upstream(config, open_http_client(config)),
            clock=self._clock,
            jitter=self._jitter,
        )

    def _local(self) -> Embeddings:
        key = (NAME, 0)
        if key not in self._opened:
            try:
                self._opened[key] = self._open_local()
            except LocalMissing as error:
                raise InvalidEmbeddings(f"embeddings: {error}") from None
            except (BrokenWeights, OSError, ValueError) as error:
                raise InvalidEmbeddings(f"embeddings: the local model is broken: {error}") from None
        return self._opened[key]

    def _local_if_there(self) -> Embeddings | None:
        if self._local_tried and (NAME, 0) not in self._opened:
            return None
        self._local_tried = True
        try:
            return self._local()
        except InvalidEmbeddings as error:
            structlog.get_logger().debug("no_local_embeddings", reason=str(error))
            return None


def _open_local() -> LocalEmbeddings:
    return LocalEmbeddings.open(model_folder())
