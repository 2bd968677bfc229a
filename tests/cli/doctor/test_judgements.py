"""What is found, and what is said about it: the pure parts."""

from __future__ import annotations

import pytest

from understudy_cli.doctor import answers, clocks, storage
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


def test_what_to_do_about_a_store_that_somebody_else_holds() -> None:
    assert "another program writes to it" in storage.advice("database is locked")
    assert storage.advice("file is not a database") == ""


def refused(status: int, message: str = "they said", code: str | None = None) -> UpstreamFailure:
    return UpstreamFailure(kind="refused", status=status, message=message, code=code)


COMPLAINT = refused(400, "Missing required parameter: 'model'.")
GONE = refused(404, "Not here.")


@pytest.mark.parametrize(
    ("listed", "asked", "level", "words"),
    [
        (3, COMPLAINT, "ok", "http://x/v1 speaks chat and offers 3 models"),
        (3, None, "ok", "speaks chat and offers 3 models"),
        (3, refused(404, "model '' not found"), "ok", "speaks chat"),
        (3, refused(404, "", "model_not_found"), "ok", "speaks chat"),
        (3, refused(422), "ok", "speaks chat"),
        (3, UpstreamFailure(kind="malformed"), "ok", "speaks chat"),
        (0, COMPLAINT, "warn", "offers 0 models"),
        (refused(403), COMPLAINT, "ok", "speaks chat, and lists no models: 403: they said"),
        (refused(404), COMPLAINT, "ok", "lists no models: 404"),
        (UpstreamFailure(kind="malformed"), COMPLAINT, "ok", "lists no models"),
        (
            3,
            GONE,
            "FAIL",
            'does not speak chat: /chat/completions answers 404: Not here. - try dialect = "resp',
        ),
        (3, refused(405), "FAIL", "does not speak chat"),
        (GONE, refused(404, "404: no"), "FAIL", "base_url right? 404: no"),
        (GONE, GONE, "FAIL", "has neither /models nor /chat/completions: is base_url right? 404"),
        (3, refused(401), "FAIL", "answers 401: they said - make a new key or correct it"),
        (refused(401), COMPLAINT, "FAIL", "make a new key or correct it"),
        (3, refused(403), "FAIL", "may not be used to ask for answers"),
        (3, refused(429), "warn", "a limit or a quota is used up"),
        (3, refused(500), "warn", "answers an empty request with 500: they said"),
        (refused(500), refused(503), "FAIL", "answers 503: they said - the provider has a problem"),
        (3, UpstreamFailure(kind="unreachable"), "FAIL", "http://x/v1 cannot be reached"),
        (UpstreamFailure(kind="unreachable"), None, "FAIL", "is base_url right, and that server"),
        (UpstreamFailure(kind="dropped"), COMPLAINT, "FAIL", "does not answer"),
        (3, UpstreamFailure(kind="stalled"), "FAIL", "does not answer"),
        (
            UpstreamFailure(kind="malformed"),
            UpstreamFailure(kind="malformed"),
            "FAIL",
            "not as a provider of models: is base_url right?",
        ),
    ],
)
def test_what_a_provider_answers(
    listed: int | UpstreamFailure, asked: UpstreamFailure | None, level: str, words: str
) -> None:
    provider = ProviderConfig(name="x", dialect="chat", base_url="http://x/v1", api_key=KEY)
    found = answers.judge(provider, listed, asked)
    assert (found.level, found.what) == (level, "model x")
    assert words in found.words


def test_a_key_never_shows() -> None:
    provider = ProviderConfig(name="x", dialect="chat", base_url="http://x/v1", api_key=KEY)
    for status in (400, 401, 403, 404, 429, 500):
        failure = refused(status, f"they said {KEY}")
        for listed in (3, failure):
            assert KEY not in answers.judge(provider, listed, failure).words


def test_advice_depends_on_what_is_configured() -> None:
    keyless = ProviderConfig(name="x", dialect="responses", base_url="http://x")
    wanted = answers.judge(keyless, refused(401), refused(401))
    assert "it wants a key: set api_key_env" in wanted.words
    openai = ProviderConfig(name="openai", dialect="responses", base_url="http://x")
    assert "set OPENAI_API_KEY, or" in answers.judge(openai, refused(401), refused(401)).words
    lost = answers.judge(keyless, GONE, GONE)
    assert "is base_url right; it may lack /v1?" in lost.words
    other = answers.judge(keyless, 3, GONE)
    assert (
        'does not speak responses: /responses answers 404: Not here. - try dialect = "chat"'
        in other.words
    )
