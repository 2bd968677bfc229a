"""Keys on a store that loses answers, is late and refuses, while several people manage them at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random

import pytest

from tests.clock import FakeClock
from tests.store.hostile import LATEST, HostileStore, Rates
from understudy_server.auth.authority import Authority
from understudy_server.auth.keys import ApiKeys
from understudy_server.auth.lineage import came_of
from understudy_server.auth.making import key_hash
from understudy_server.auth.stored_key import Policy, StoredKey
from understudy_server.errors import (
    InvalidApiKey,
    NotFound,
    OutcomeUnknown,
    Overloaded,
    StateConflict,
    StoreUnavailable,
)
from understudy_server.store.memory import MemoryStore

ADMIN = Policy(scopes=("admin", "read"))
_UNHURT = (InvalidApiKey, NotFound, Overloaded, StateConflict, StoreUnavailable)
"""Errors after which nothing has been changed."""


@dataclass
class History:
    """What a project's people did with its keys, and what they were told."""

    keys: ApiKeys
    random: Random
    texts: dict[str, str] = field(default_factory=dict)
    """That were given out, by the ids of their keys."""
    unknown: int = 0
    """Calls that told that they may have made a key."""
    uprooted: list[str] = field(default_factory=list)
    """Revoked with all that came of them."""

    def note(self, text: str, stored: StoredKey) -> None:
        assert key_hash(text) == stored.id
        self.texts[stored.id] = text

    async def act(self, by: StoredKey, steps: int) -> None:
        authority = Authority(project="acme", key=by.id)
        for step in range(steps):
            name = f"{by.key_id}-{step}"
            act = self.random.choice(["create", "create", "rotate", "rotate", "revoke"])
            which = self.random.choice(sorted(self.texts))
            try:
                if act == "create":
                    self.note(*await self.keys.create("acme", name, ADMIN, authority))
                elif act == "rotate":
                    overlap = self.random.choice([0, 3_600])
                    text, made, _ = await self.keys.rotate(which, overlap, authority)
                    self.note(text, made)
                else:
                    with_created = self.random.random() < 0.5
                    await self.keys.revoke(which, authority, with_created=with_created)
                    self.uprooted += [which] if with_created else []
            except OutcomeUnknown:
                self.unknown += act != "revoke"
            except _UNHURT:
                continue


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_is_lost_no_key_is_there_that_nobody_was_told_of(seed: int) -> None:
    """A key without its text, or a second replacement, there is only for a call that ended in uncertainty."""
    clock, random = FakeClock(), Random(seed)
    memory = MemoryStore(clock)
    rates = Rates(refuse=0.1, drop=0.1, late=0.15, lose=0.2)
    store = HostileStore(memory, random, clock, rates)
    history = History(ApiKeys(store=store, clock=clock), random)
    plain = ApiKeys(store=memory, clock=clock)
    people = []
    for number in range(4):
        text, stored = await plain.create("acme", f"person {number}", ADMIN)
        history.note(text, stored)
        people.append(stored)

    async def play() -> None:
        # Two act for each, so that a key is also used and ended at one moment.
        await asyncio.gather(*(history.act(by, 6) for by in people * 2))
        await clock.sleep(2 * LATEST)

    await clock.run_until(play())
    found = await plain.list()
    there = {stored.id for stored in found}
    assert set(history.texts) <= there
    assert len(there) - len(history.texts) <= history.unknown
    for root in history.uprooted:
        assert all(stored.revoked for stored in came_of(root, found))
