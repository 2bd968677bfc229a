"""Cursors of a scan: the last key of a portion, as text. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from understudy_server.store.port import Portion

Texts: TypeAlias = tuple[str, ...]


def cursor_of(*texts: str) -> str:
    return json.dumps(texts)


def texts_of(cursor: str) -> Texts:
    """What ``cursor_of`` was given; nothing, which sorts before every key, for the first cursor."""
    return tuple(json.loads(cursor)) if cursor else ()


def portion(found: Sequence[Texts], limit: int) -> Portion[Texts]:
    """Of sorted keys, of which one more than ``limit`` was looked for: whether there is one is the question."""
    page = found[:limit]
    return Portion(page, cursor_of(*page[-1]) if len(found) > limit else "")


def portion_of_all(keys: Iterable[Texts], cursor: str, limit: int) -> Portion[Texts]:
    """Of keys in any order, each once."""
    after = texts_of(cursor)
    return portion(sorted(key for key in keys if key > after)[: limit + 1], limit)
