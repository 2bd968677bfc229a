"""Configuration in, working models out."""

from __future__ import annotations

from tests.models.fakes import InstantClock, ask, collect, numbered_ids, text_in
from tests.upstream import ScriptedUpstream
from understudy_server.models.config import load_providers
from understudy_server.models.opener import open_models


async def test_every_dialect_opens(upstream: ScriptedUpstream) -> None:
    remote = {"base_url": upstream.base_url, "api_key_env": "KEY"}
    toml = {
        "default_provider": "demo",
        "providers": {"r": remote, "c": remote | {"dialect": "chat"}, "demo": {}},
    }
    config = load_providers(toml, {"KEY": str(upstream.api_key)})
    models = open_models(
        config, clock=InstantClock(), new_call_id=numbered_ids(), jitter=lambda: 0.0
    )
    said = []
    for name in ("r/gpt-4o", "c/gpt-4o", "gpt-4o"):
        resolved = models.resolve(name)
        events = await collect(models.stream(resolved, ask(model=resolved.model)))
        said.append(text_in(events)[:11])
    assert said == ["echo: Hello", "echo: Hello", 'You said: "']
    assert [exchange.path for exchange in upstream.exchanges] == [
        "/v1/responses",
        "/v1/chat/completions",
    ]
    assert set(await models.list_models()) >= {"demo", "r/gpt-4o", "c/o4-mini"}
    await models.close()
