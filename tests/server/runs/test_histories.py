"""The engine under everything that the store port allows; see ``history``."""

from __future__ import annotations

import pytest

from tests.server.runs.history import play
from tests.store.hostile import Rates

PER_CASE = 4


@pytest.mark.parametrize("case", range(10))
async def test_histories_over_a_hostile_store(case: int) -> None:
    for seed in range(case * PER_CASE, (case + 1) * PER_CASE):
        assert not await play(seed, Rates()), f"seed {seed}"


@pytest.mark.parametrize("case", range(3))
async def test_histories_over_a_kind_store(case: int) -> None:
    for seed in range(case * PER_CASE, (case + 1) * PER_CASE):
        assert not await play(1_000 + seed, Rates.none()), f"seed {1_000 + seed}"
