"""What is sent is accepted, and comes back, wherever it may stand."""

from __future__ import annotations

import pytest

from tests.fidelity.judging import covers, found, in_requests, keys, name, places, verdicts
from tests.fidelity.properties import Key
from tests.fidelity.traffic import Traffic
from tests.fidelity.walk import MISSING


@pytest.mark.parametrize("key", keys(in_requests(), "honoured", "echoed", "idle"), ids=name)
def test_it_is_taken(traffic: Traffic, key: Key) -> None:
    """With every value of its list, at every place that is not refused as a whole."""
    sent = [occurrence for occurrence in traffic.sent[key] if occurrence.value is not None]
    assert sent
    assert places(key) - {occurrence.place for occurrence in sent} == set()
    if values := set(found()[key].values) - set(verdicts()[key].never):
        assert values - {occurrence.value for occurrence in sent} == set()
    # Where something can be read in its place, it is that.
    for kept in traffic.kept[key]:
        assert kept.other == MISSING or covers(kept.other, kept.value), kept


@pytest.mark.parametrize("key", keys(in_requests(), "echoed"), ids=name)
def test_it_comes_back(traffic: Traffic, key: Key) -> None:
    """Read again afterwards, from every place that is not refused as a whole."""
    kept = [occurrence for occurrence in traffic.kept[key] if occurrence.value is not None]
    for occurrence in kept:
        assert covers(occurrence.other, occurrence.value), occurrence
    assert places(key) - {occurrence.place for occurrence in kept} == set()


_NULLABLE = [key for key in in_requests() if found()[key].nullable and any(places(key))]


@pytest.mark.parametrize("key", sorted(_NULLABLE), ids=name)
def test_null_is_taken(traffic: Traffic, key: Key) -> None:
    """It says what leaving it out says, or clears what was there."""
    assert any(occurrence.value is None for occurrence in traffic.sent[key])
