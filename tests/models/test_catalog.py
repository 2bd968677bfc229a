"""Which model a name means, and what all providers offer together."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

import pytest
import structlog
from structlog.testing import LogCapture

from tests.models.fakes import InstantClock, ask, collect
from understudy_server.errors import ModelNotFound
from understudy_server.models.catalog import Catalog
from understudy_server.models.port import (
    Finished,
    ModelError,
    ModelEvent,
    ModelRequest,
    Resolved,
    TextDelta,
)
from understudy_server.models.provider import ModelsConfig, ProviderConfig


class OneLiner:
    """A model that says its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.listed = 0
        self.reachable = True
        self.closed = False

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        yield TextDelta(text=f"{self.name} as {request.model}")
        yield Finished(reason="stop")

    async def list_models(self) -> tuple[str, ...]:
        self.listed += 1
        if not self.reachable:
            raise ModelError("server_error", "not there")
        return (f"{self.name}-1", f"{self.name}-2")

    async def close(self) -> None:
        self.closed = True


CONFIG = ModelsConfig(
    providers=(
        ProviderConfig(
            name="main",
            dialect="chat",
            base_url="http://main.test",
            context_window=1000,
            model_windows={"big": 9000},
        ),
        ProviderConfig(
            name="side", dialect="chat", base_url="http://side.test", context_window=2000
        ),
    ),
    default_provider="main",
    aliases={"gpt-4-turbo-preview": "big", "old": "side/new"},
)


@pytest.fixture
def clock() -> InstantClock:
    return InstantClock()


@pytest.fixture
def models() -> dict[str, OneLiner]:
    return {"main": OneLiner("main"), "side": OneLiner("side")}


@pytest.fixture
def log() -> Iterator[LogCapture]:
    capture = LogCapture()
    structlog.configure(processors=[capture])
    yield capture
    structlog.reset_defaults()


@pytest.fixture
def catalog(log: LogCapture, clock: InstantClock, models: dict[str, OneLiner]) -> Catalog:
    return Catalog(config=CONFIG, models=models, clock=clock)


@pytest.mark.parametrize(
    ("name", "provider", "model", "window", "alias_of"),
    [
        ("gpt-4o", "main", "gpt-4o", 1000, None),
        ("big", "main", "big", 9000, None),
        ("main/big", "main", "big", 9000, None),
        ("side/gpt-4o", "side", "gpt-4o", 2000, None),
        ("side/org/gpt", "side", "org/gpt", 2000, None),
        ("meta-llama/Llama-3", "main", "meta-llama/Llama-3", 1000, None),
        ("/x", "main", "/x", 1000, None),
        ("gpt-4-turbo-preview", "main", "big", 9000, "gpt-4-turbo-preview"),
        ("old", "side", "new", 2000, "old"),
    ],
)
def test_names(
    catalog: Catalog, name: str, provider: str, model: str, window: int, alias_of: str | None
) -> None:
    assert catalog.resolve(name) == Resolved(
        provider=provider, model=model, context_window=window, alias_of=alias_of
    )


@pytest.mark.parametrize("name", ["", "side/"])
def test_names_of_nothing(catalog: Catalog, name: str) -> None:
    with pytest.raises(ModelNotFound, match=f"'{name}' does not exist"):
        catalog.resolve(name)


async def test_the_resolved_provider_answers(catalog: Catalog) -> None:
    resolved = catalog.resolve("side/x")
    events = await collect(catalog.stream(resolved, ask(model=resolved.model)))
    assert events[0] == TextDelta(text="side as x")


async def test_the_default_providers_names_are_plain(catalog: Catalog) -> None:
    assert await catalog.list_models() == ("main-1", "main-2", "side/side-1", "side/side-2")


async def test_a_listing_is_kept_for_a_minute(
    catalog: Catalog, models: dict[str, OneLiner], clock: InstantClock
) -> None:
    await catalog.list_models()
    clock.now += 59
    await catalog.list_models()
    assert models["main"].listed == 1
    clock.now += 1
    await catalog.list_models()
    assert models["main"].listed == 2


async def test_a_provider_that_does_not_answer_is_left_out(
    catalog: Catalog, models: dict[str, OneLiner], log: LogCapture
) -> None:
    models["main"].reachable = False
    assert await catalog.list_models() == ("side/side-1", "side/side-2")
    assert log.entries == [
        {
            "event": "models_not_listed",
            "log_level": "warning",
            "provider": "main",
            "reason": "not there",
        }
    ]


async def test_closing_closes_all(catalog: Catalog, models: dict[str, OneLiner]) -> None:
    await catalog.close()
    assert all(model.closed for model in models.values())
