"""Whatever happens: in the end each living run has its slot, and each run that ended has counted once."""

from __future__ import annotations

import pytest

from tests.server.limits.history import play


@pytest.mark.parametrize("seed", range(40))
def test_slots_and_tokens_are_those_of_the_runs(seed: int) -> None:
    assert play(seed) == []
