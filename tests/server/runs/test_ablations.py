"""Tests of the test: a history breaks when a rule is taken away.

Each rule stands with seeds whose histories are known to break without it, so that showing it is quick. The other
entries of ``ablations`` have no such seed yet.
"""

from __future__ import annotations

import pytest

from tests.server.runs import ablations
from tests.server.runs.ablations import Ablation
from tests.server.runs.history import play

KNOWN: dict[Ablation, range] = {
    ablations.no_closing: range(17),
    ablations.no_contiguity: range(22, 75),
    ablations.new_ids: range(19),
    ablations.any_body: range(22, 53),
    ablations.no_lookup: range(6, 24),
}


@pytest.mark.parametrize("ablate", KNOWN, ids=lambda ablate: ablate.__name__)
def test_without_this_rule_a_history_breaks(
    ablate: Ablation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ablate(monkeypatch)
    assert any(play(seed) for seed in KNOWN[ablate]), "every history held"
