"""One sorted listing out of many: the heads of all buckets, merged. Pure, but for asking."""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TypeAlias

Found: TypeAlias = tuple[bytes, int]
"""A member and its bucket."""

Pages: TypeAlias = Sequence[Sequence[bytes]]

Ask: TypeAlias = Callable[[Mapping[int, bytes | None], int], Awaitable[Pages]]
"""By bucket the member after which to go on (None: from the beginning), and how many; answers in that order."""


async def merged(ask: Ask, buckets: Iterable[int], limit: int, *, descending: bool) -> list[Found]:
    """The first ``limit`` members of all buckets.

    Each bucket is asked for its share and a little more; only one that has given everything it was asked for,
    and may have more before the end of the page, is asked again.
    """
    pages: dict[int, list[bytes]] = {bucket: [] for bucket in buckets}
    share = max(4, 2 * limit // max(1, len(pages)))
    unfinished: dict[int, bytes | None] = dict.fromkeys(pages)
    while unfinished:
        answers = await ask(unfinished, share)
        full = []
        for bucket, answer in zip(unfinished, answers, strict=True):
            pages[bucket] += answer
            if len(answer) == share:
                full.append(bucket)
        page = _first(pages, limit, descending=descending)
        unfinished = {
            bucket: pages[bucket][-1]
            for bucket in full
            if len(page) < limit
            or _is_before(pages[bucket][-1], page[-1][0], descending=descending)
        }
        share *= 4
    return _first(pages, limit, descending=descending)


def _first(pages: dict[int, list[bytes]], limit: int, *, descending: bool) -> list[Found]:
    found = ([(member, bucket) for member in members] for bucket, members in pages.items())
    return list(islice(heapq.merge(*found, reverse=descending), limit))


def _is_before(member: bytes, other: bytes, *, descending: bool) -> bool:
    return member > other if descending else member < other
