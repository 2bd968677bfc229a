"""Which model makes vectors, by the setting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.models.fakes import InstantClock
from tests.server.embeddings import tiny
from understudy_server.embeddings.bert import Bert, BrokenWeights
from understudy_server.embeddings.local import NAME, LocalEmbeddings, LocalMissing
from understudy_server.embeddings.opener import InvalidEmbeddings, OpenEmbeddings
from understudy_server.embeddings.remote import RemoteEmbeddings
from understudy_server.models.provider import ModelsConfig, ProviderConfig

MODELS = ModelsConfig(
    providers=(
        ProviderConfig(name="acme", dialect="chat", base_url="http://127.0.0.1:1/v1"),
        ProviderConfig(name="demo", dialect="demo"),
    ),
    default_provider="acme",
)


def installed() -> LocalEmbeddings:
    return LocalEmbeddings(Bert(tiny.weights(), tiny.CONFIG), lambda _: [2, 3])


def missing() -> LocalEmbeddings:
    raise LocalMissing("the package is not installed: pip install it")


def opened(setting: str, **options: Any) -> OpenEmbeddings:
    given: dict[str, Any] = {"dimensions": 0, "open_local": missing} | options
    return OpenEmbeddings(setting, models=MODELS, clock=InstantClock(), **given)


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    with capture_logs() as captured:
        yield captured


@pytest.mark.parametrize("setting", ["none", "", "auto"])
async def test_without_any_the_log_says_that_words_are_all(setting: str, logs: list[Any]) -> None:
    assert opened(setting).present is None
    (line,) = [line for line in logs if line["log_level"] == "info"]
    assert line["event"] == "embeddings_none"
    assert "searched by words alone" in line["meaning"]


@pytest.mark.parametrize("setting", ["auto", "local"])
async def test_the_local_one_where_it_is_installed(setting: str, logs: list[Any]) -> None:
    embeddings = opened(setting, open_local=installed)
    assert embeddings.present is not None
    assert embeddings.present.name == NAME
    assert [line["model"] for line in logs] == [NAME]
    assert embeddings.named(NAME, 12) is embeddings.present
    await embeddings.close()


async def test_a_model_of_a_provider(logs: list[Any]) -> None:
    embeddings = opened("acme/some/embed-3", dimensions=256)
    assert isinstance(embeddings.present, RemoteEmbeddings)
    assert embeddings.present.name == "acme/some/embed-3"
    assert [(line["model"], line["dimensions"]) for line in logs] == [("acme/some/embed-3", 256)]
    assert embeddings.named("acme/some/embed-3", 256) is embeddings.present
    await embeddings.close()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (
            "openai/embed-3",
            "names the provider 'openai', which is not configured .there are: acme, demo",
        ),
        ("embed-3", "'embed-3' must be `provider/model`"),
        ("acme/", "'acme/' must be `provider/model`"),
        ("demo/demo", "the provider 'demo' makes no vectors"),
        ("local", "the package is not installed: pip install it"),
    ],
)
def test_a_mistake_says_what_to_write(setting: str, words: str) -> None:
    with pytest.raises(InvalidEmbeddings, match=words):
        opened(setting)


def test_a_broken_local_model() -> None:
    def broken() -> LocalEmbeddings:
        raise BrokenWeights("no safetensors file")

    with pytest.raises(InvalidEmbeddings, match="is broken: no safetensors file"):
        opened("local", open_local=broken)


async def test_models_of_vectors_that_are_there_already() -> None:
    embeddings = opened("acme/new", open_local=installed)
    old = embeddings.named("acme/old", 64)
    assert old is not None
    assert old.name == "acme/old"
    assert embeddings.named("acme/old", 64) is old
    local = embeddings.named(NAME, 12)
    assert local is not None
    assert local is embeddings.named(NAME, 12)
    for unknown in ("openai/embed-3", "demo/demo", "acme", ""):
        assert embeddings.named(unknown, 64) is None
    await embeddings.close()


async def test_what_is_not_installed_is_looked_for_once() -> None:
    tried = []

    def look() -> LocalEmbeddings:
        tried.append(True)
        return missing()

    embeddings = opened("none", open_local=look)
    assert embeddings.named(NAME, 12) is None
    assert embeddings.named(NAME, 12) is None
    assert len(tried) == 1
