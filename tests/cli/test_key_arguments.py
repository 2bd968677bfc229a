"""What can be said of a key on the command line."""

from __future__ import annotations

import argparse

import pytest

from understudy_cli.key_arguments import amount, models, period, policy_of, scopes
from understudy_cli.main import parser
from understudy_server.auth.stored_key import Policy
from understudy_server.limits.key_limits import KeyLimits


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("90s", 90), ("15m", 900), ("12h", 43_200), ("30d", 2_592_000), ("036m", 2_160)],
)
def test_a_period(text: str, seconds: int) -> None:
    assert period(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "d", "-1d", "1.5h", "1 d", "1w", "0s", "36601d", "99999999999d", "٣d", "1D"]
)
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        period(text)


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", "1e3", "²", "9" * 16])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        amount(text)


def test_lists() -> None:
    assert scopes("run, read") == ("read", "run")
    assert models("a, b/c") == ("a", "b/c")
    for parse, text in ((scopes, "root"), (scopes, ","), (models, " , ")):
        with pytest.raises(argparse.ArgumentTypeError):
            parse(text)


def test_what_is_said_becomes_the_keys_policy() -> None:
    line = (
        "keys create --scopes read,run --expires 30d --requests-per-minute 60 --concurrent-runs 2"
        " --tokens-per-day 100000 --models gpt-4o,chat/x"
    )
    assert policy_of(parser().parse_args(line.split())) == Policy(
        scopes=("read", "run"),
        lifetime=2_592_000,
        limits=KeyLimits(
            requests_per_minute=60,
            concurrent_runs=2,
            tokens_per_day=100_000,
            models=("gpt-4o", "chat/x"),
        ),
    )
    assert policy_of(parser().parse_args(["keys", "create"])) == Policy()


@pytest.mark.parametrize(
    "line",
    ["create --scopes root", "create --expires soon", "create --models ,", "rotate k --overlap 1"],
)
def test_a_mistake_is_told_and_nothing_is_made(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["keys", *line.split()])
    assert ended.value.code == 2
    assert "argument --" in capsys.readouterr().err
