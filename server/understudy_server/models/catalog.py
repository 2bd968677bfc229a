"""All providers under one roof: which model a name means, and who answers for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Final

import structlog

from understudy_server.clock import Clock
from understudy_server.errors import ModelNotFound
from understudy_server.models.port import Model, ModelError, ModelEvent, ModelRequest, Resolved
from understudy_server.models.provider import ModelsConfig

_LIST_SECONDS: Final = 60.0


class Catalog:
    """The ``Models`` port. ``models`` has one open ``Model`` per provider of ``config``."""

    def __init__(self, *, config: ModelsConfig, models: Mapping[str, Model], clock: Clock) -> None:
        self._providers = {provider.name: provider for provider in config.providers}
        self._default = config.default_provider
        self._aliases = config.aliases
        self._models = models
        self._clock = clock
        self._listed: tuple[str, ...] = ()
        self._listed_until = clock.monotonic()
        self._listing = asyncio.Lock()
        self._log = structlog.get_logger()

    def resolve(self, name: str) -> Resolved:
        """``provider/model``, or a name of the default provider, which may hold slashes itself."""
        served = self._aliases.get(name, name)
        prefix, slash, rest = served.partition("/")
        known = bool(slash) and prefix in self._providers
        provider, model = (prefix, rest) if known else (self._default, served)
        if not model:
            raise ModelNotFound(name)
        config = self._providers[provider]
        return Resolved(
            provider=provider,
            model=model,
            context_window=config.model_windows.get(model, config.context_window),
            alias_of=name if served != name else None,
        )

    def stream(self, resolved: Resolved, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        return self._models[resolved.provider].stream(request)

    async def list_models(self) -> tuple[str, ...]:
        """Asked of the providers at most once a minute; one that does not answer is left out."""
        async with self._listing:
            if self._clock.monotonic() >= self._listed_until:
                found = await asyncio.gather(*map(self._names_of, self._models))
                self._listed = tuple(name for names in found for name in names)
                self._listed_until = self._clock.monotonic() + _LIST_SECONDS
            return self._listed

    async def close(self) -> None:
        await asyncio.gather(*(model.close() for model in self._models.values()))

    async def _names_of(self, provider: str) -> tuple[str, ...]:
        try:
            names = await self._models[provider].list_models()
        except ModelError as error:
            self._log.warning("models_not_listed", provider=provider, reason=error.message)
            return ()
        if provider == self._default:
            return names
        return tuple(f"{provider}/{name}" for name in names)
