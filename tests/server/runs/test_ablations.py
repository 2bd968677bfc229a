"""Tests of the test: a history breaks when a rule is taken away."""

from __future__ import annotations

import pytest

from tests.server.runs.ablations import ABLATIONS, Ablation
from tests.server.runs.history import play

SEEDS = 1000
"""Tried when the known seed no longer breaks, since the engine takes other steps than it did."""


@pytest.mark.parametrize("ablate", ABLATIONS, ids=lambda ablate: ablate.__name__)
def test_without_this_rule_a_history_breaks(
    ablate: Ablation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ablate(monkeypatch)
    assert any(play(seed) for seed in (ABLATIONS[ablate], *range(SEEDS)))
