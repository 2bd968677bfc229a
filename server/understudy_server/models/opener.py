"""Opens the configured providers: the one place that knows which dialect is which class."""

from __future__ import annotations

from collections.abc import Callable

from understudy_server.clock import Clock
from understudy_server.models.catalog import Catalog
from understudy_server.models.chat import chat_dialect
from understudy_server.models.demo import DemoModel
from understudy_server.models.port import Model
from understudy_server.models.provider import ModelsConfig, ProviderConfig
from understudy_server.models.remote import RemoteModel
from understudy_server.models.responses import responses_dialect
from understudy_server.models.upstream import Upstream, open_http_client


def open_model(
    config: ProviderConfig,
    *,
    clock: Clock,
    new_call_id: Callable[[], str],
    jitter: Callable[[], float],
) -> Model:
    """One provider. Nothing is connected before the first call."""
    match config.dialect:
        case "demo":
            return DemoModel(clock=clock, new_call_id=new_call_id)
        case "responses":
            dialect = responses_dialect(new_call_id, reasoning_items=config.reasoning_items)
        case "chat":
            dialect = chat_dialect(new_call_id, max_tokens_field=config.max_tokens_field)
    upstream = Upstream(config, open_http_client(config))
    return RemoteModel(
        config=config, upstream=upstream, dialect=dialect, clock=clock, jitter=jitter
    )


def open_models(
    config: ModelsConfig,
    *,
    clock: Clock,
    new_call_id: Callable[[], str],
    jitter: Callable[[], float],
) -> Catalog:
    """All providers. ``new_call_id`` names tool calls; ``jitter`` is random, in [0, 1)."""
    models = {
        provider.name: open_model(provider, clock=clock, new_call_id=new_call_id, jitter=jitter)
        for provider in config.providers
    }
    return Catalog(config=config, models=models, clock=clock)
