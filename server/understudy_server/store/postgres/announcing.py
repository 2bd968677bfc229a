"""What is told to the other cores: which partitions were changed, gathered into few messages. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from understudy_server.store.port import Commit, Partition
from understudy_server.store.watches import makes_due

LONGEST = 7_900
"""Bytes of one message; PostgreSQL allows 7999."""


class News(NamedTuple):
    changed: tuple[Partition, ...]
    due: bool
    """Whether something was made due."""
    all: bool = False
    """Whether anything may have changed."""


class Gathering:
    """The changes since the last messages, each partition once."""

    def __init__(self) -> None:
        self._changed: dict[Partition, None] = {}
        self._due = False

    def add(self, commit: Commit, now: int) -> None:
        """``now``: the store's time. What is due later calls nobody."""
        self._changed[commit.partition] = None
        self._due = self._due or makes_due(commit, now)

    def take(self) -> list[str]:
        """The messages to send for all of them."""
        changed, due = list(self._changed), self._due
        self._changed, self._due = {}, False
        return list(_messages(changed, due=due)) if changed else []


def parse(message: str) -> News:
    """A message that nobody here can have sent means that anything may have changed."""
    try:
        found = json.loads(message)
        changed = tuple(Partition(project, name) for project, name in found["changed"])
        return News(changed, bool(found["due"]), bool(found["all"]))
    except (ValueError, TypeError, KeyError):
        return News((), due=True, all=True)


def _messages(changed: list[Partition], *, due: bool) -> Iterator[str]:
    message = _message(News(tuple(changed), due))
    if len(message) <= LONGEST:
        yield message
    elif len(changed) == 1:
        yield _message(News((), due, all=True))
    else:
        half = len(changed) // 2
        yield from _messages(changed[:half], due=due)
        yield from _messages(changed[half:], due=False)


def _message(news: News) -> str:
    # JSON that is all ASCII: the database may have any encoding, and none takes a zero byte.
    return json.dumps(news._asdict(), separators=(",", ":"))
