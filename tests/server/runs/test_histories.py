"""The engine under everything that the store port allows; see ``history``. More of them: ``make histories``."""

from __future__ import annotations

import pytest

from tests.server.runs.history import play

CASES = 40
PER_CASE = 100


@pytest.mark.parametrize("case", range(CASES))
def test_a_history_breaks_nothing(case: int) -> None:
    for seed in range(case * PER_CASE, (case + 1) * PER_CASE):
        assert not play(seed), f"seed {seed}"


def test_a_seed_is_a_history() -> None:
    first = [tuple(play(seed, record=True)) for seed in range(5)]
    assert first == [tuple(play(seed, record=True)) for seed in range(5)]
    assert len(set(first)) == 5
