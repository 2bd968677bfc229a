"""The arguments of `understudy keys`."""

from __future__ import annotations

import argparse
import re

from understudy_cli.setting import words
from understudy_server.auth.scopes import parse_scopes
from understudy_server.auth.stored_key import Policy
from understudy_server.limits.key_limits import KeyLimits

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST = 100 * 366 * 86_400
_MOST = 10**15


def add_key_commands(sub: argparse.ArgumentParser, flags: argparse.ArgumentParser) -> None:
    actions = sub.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create", help="make a key and print it", parents=[flags])
    create.add_argument("--project", default="default", help="what the key may see")
    create.add_argument("--name", default="", help="for your own memory")
    create.add_argument(
        "--scopes",
        type=scopes,
        default=(),
        help="read, write, run, admin, comma-separated. Default: all but admin",
    )
    create.add_argument(
        "--expires", type=period, default=0, metavar="PERIOD", help="30d, 12h, ... Default: never"
    )
    for flag, meaning in (
        ("--requests-per-minute", "requests that it may make in a minute"),
        ("--concurrent-runs", "runs that it may have at a time"),
        ("--tokens-per-day", "tokens that its runs may use in a day (UTC)"),
    ):
        create.add_argument(
            flag, type=amount, default=0, metavar="N", help=f"{meaning}. Default: any number"
        )
    create.add_argument(
        "--models", type=models, default=(), help="that its runs may use. Default: all"
    )
    actions.add_parser("list", help="list all keys", parents=[flags])
    rotate = actions.add_parser(
        "rotate",
        help="replace a key by another like it, and print that",
        parents=[flags],
    )
    rotate.add_argument("which", metavar="ID", help="its id, or enough of its beginning")
    rotate.add_argument(
        "--overlap",
        type=period,
        default=0,
        metavar="PERIOD",
        help="for how long the old key stays good: 1h, 30m, ... Default: not at all",
    )
    revoke = actions.add_parser("revoke", help="end a key", parents=[flags])
    revoke.add_argument("which", metavar="ID", help="its id, or enough of its beginning")
    revoke.add_argument(
        "--with-created",
        action="store_true",
        help="and the keys that were made by it, and by those",
    )


def policy_of(parsed: argparse.Namespace) -> Policy:
    """What a key is to be, from the arguments of `create`."""
    return Policy(
        scopes=parsed.scopes,
        lifetime=parsed.expires,
        limits=KeyLimits(
            requests_per_minute=parsed.requests_per_minute,
            concurrent_runs=parsed.concurrent_runs,
            tokens_per_day=parsed.tokens_per_day,
            models=parsed.models,
        ),
    )


def period(text: str) -> int:
    """Seconds of ``30d``, ``12h``, ``15m`` or ``90s``. Raises ``ArgumentTypeError``."""
    match = re.fullmatch(r"(\d{1,10})([smhd])", text, re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(f"'{text}' is not a period such as 30d, 12h, 15m or 90s")
    seconds = int(match[1]) * _UNITS[match[2]]
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"'{text}' is not between a second and a hundred years")
    return seconds


def amount(text: str) -> int:
    """A number above zero. Raises ``ArgumentTypeError``."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MOST):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above zero")
    return int(text)


def scopes(text: str) -> tuple[str, ...]:
    """Raises ``ArgumentTypeError``."""
    try:
        return parse_scopes(words(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def models(text: str) -> tuple[str, ...]:
    """Raises ``ArgumentTypeError``."""
    if not (names := words(text)):
        raise argparse.ArgumentTypeError("no model is named")
    return names
