"""What is found, and what is said about it: the pure parts."""

from __future__ import annotations

import pytest

from understudy_cli.doctor import clocks, providers
from understudy_cli.doctor.finding import Finding
from understudy_server.models.failure import UpstreamFailure
from understudy_server.models.provider import ProviderConfig

NOW = 1_700_000_000_000_000
KEY = "sk-secret-0123456789"


def test_a_finding_is_one_line() -> None:
    found = Finding("warn", "store", "two\nlines \t of it")
    assert str(found) == "warn  store          two lines of it"


@pytest.mark.parametrize(
    ("newest", "offsets", "level", "words"),
    [
        (None, {}, "ok", "2023-11-14 22:13:20 UTC"),
        (NOW, {"a": -30.0, "b": 30.0}, "ok", "agrees with a, b"),
        (NOW + 30_000_000, {}, "ok", "UTC"),
        (NOW + 31_000_000, {}, "warn", "a record from 31 s later: set the clock"),
        (None, {"a": 0.0, "b": 31.0}, "warn", "is 31 s behind the clock of b"),
        (None, {"a": -3600.0}, "warn", "is 3600 s ahead of the clock of a"),
    ],
)
def test_the_clock(newest: int | None, offsets: dict[str, float], level: str, words: str) -> None:
    found = clocks.judge(NOW, newest=newest, offsets=offsets)
    assert (found.level, found.what) == (level, "clock")
    assert words in found.words


@pytest.mark.parametrize(
    ("failure", "level", "words"),
    [
        (UpstreamFailure(kind="unreachable"), "FAIL", "no connection to http://x/v1"),
        (UpstreamFailure(kind="dropped"), "FAIL", "does not answer"),
        (UpstreamFailure(kind="stalled"), "FAIL", "does not answer"),
        (UpstreamFailure(kind="malformed"), "FAIL", "not with a list of models"),
        (UpstreamFailure(kind="refused", status=401), "FAIL", "make a new key or correct it"),
        (UpstreamFailure(kind="refused", status=403), "warn", "lists no models. Nothing more"),
        (UpstreamFailure(kind="refused", status=404), "warn", "no completion can be asked for"),
        (UpstreamFailure(kind="refused", status=405), "warn", "lists no models"),
        (UpstreamFailure(kind="refused", status=429), "warn", "a limit or a quota"),
        (UpstreamFailure(kind="refused", status=500), "FAIL", "try again later"),
        (UpstreamFailure(kind="refused"), "warn", "lists no models"),
    ],
)
def test_a_provider_that_does_not_list_its_models(
    failure: UpstreamFailure, level: str, words: str
) -> None:
    failure.message = f"they said {KEY}"
    provider = ProviderConfig(name="x", dialect="chat", base_url="http://x/v1", api_key=KEY)
    found = providers.judge(provider, failure)
    assert (found.level, found.what) == (level, "model x")
    assert words in found.words
    assert "they said" in found.words
    assert KEY not in found.words


def test_advice_depends_on_what_is_configured() -> None:
    keyless = ProviderConfig(name="x", dialect="chat", base_url="http://x")
    wanted = providers.judge(keyless, UpstreamFailure(kind="refused", status=401))
    assert "it wants a key: set api_key_env" in wanted.words
    lost = providers.judge(keyless, UpstreamFailure(kind="refused", status=404))
    assert "base_url may lack /v1" in lost.words
