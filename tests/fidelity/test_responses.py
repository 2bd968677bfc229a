"""What comes, what never changes, and what never comes."""

from __future__ import annotations

import pytest

from tests.fidelity.judging import found, in_responses, keys, name, verdicts
from tests.fidelity.properties import Key
from tests.fidelity.traffic import Traffic


@pytest.mark.parametrize("key", keys(in_responses(), "honoured", "echoed"), ids=name)
def test_it_comes(traffic: Traffic, key: Key) -> None:
    """With a value, and with every value of its list."""
    values = [occurrence.value for occurrence in traffic.came[key]]
    assert any(value not in (None, [], {}) for value in values)
    expected = set(found()[key].values) - set(verdicts()[key].never)
    assert expected - {value for value in values if isinstance(value, str)} == set()


@pytest.mark.parametrize("key", keys(in_responses(), "constant"), ids=name)
def test_it_never_changes(traffic: Traffic, key: Key) -> None:
    values = [occurrence.value for occurrence in traffic.came[key]]
    assert values
    assert all(value == verdicts()[key].value for value in values)


@pytest.mark.parametrize("key", keys(in_responses(), "absent", "refused"), ids=name)
def test_it_never_comes(traffic: Traffic, key: Key) -> None:
    assert traffic.came[key] == []
