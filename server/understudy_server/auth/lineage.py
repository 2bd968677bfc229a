"""Which keys came of a key, and in what portions they are ended."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

from understudy_server.auth.stored_key import StoredKey
from understudy_server.store.port import MAX_COMMIT_BYTES, MAX_OPERATIONS, Put

MOST_AT_ONCE = MAX_OPERATIONS - 1
"""Keys that one commit ends: there is a check beside them."""


def came_of(id: str, keys: Sequence[StoredKey]) -> list[StoredKey]:
    """Those of ``keys`` that the key of this id has made, behind them those that they made, and so on; each once.

    Makers come first: whoever ends keys in this order leaves as few as possible that can make more.
    """
    made = defaultdict(list)
    for stored in keys:
        made[stored.key.created_by].append(stored)
    known, found, makers = {id}, list[StoredKey](), deque([id])
    while makers:
        for stored in made[makers.popleft()]:
            if stored.id not in known:
                known.add(stored.id)
                found.append(stored)
                makers.append(stored.id)
    return found


def portions(puts: Sequence[Put], most: int) -> Iterator[Sequence[Put]]:
    """``puts`` in their order, as commits take them: ``most`` at a time, and not too many bytes."""
    portion: list[Put] = []
    size = 0
    for put in puts:
        if portion and (len(portion) >= most or size + len(put.body) > MAX_COMMIT_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(put)
        size += len(put.body)
    if portion:
        yield portion
