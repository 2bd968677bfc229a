"""What this server does not have is refused by name, wherever it may stand."""

from __future__ import annotations

import pytest

from tests.fidelity.judging import found, in_requests, keys, name, places, verdicts
from tests.fidelity.properties import Key
from tests.fidelity.refusals import Refusal, refusals
from tests.fidelity.traffic import Traffic


@pytest.mark.parametrize("case", list(refusals()), ids=lambda case: case.name)
def test_the_error_names_it(traffic: Traffic, case: Refusal) -> None:
    _, answer = traffic.refusals[case.name]
    assert answer.status == case.status
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error["param"] == case.param
    assert case.says in answer.error["message"]


def _asked(traffic: Traffic, key: Key) -> dict[str, list[object]]:
    """What was refused of a property, by place."""
    asked: dict[str, list[object]] = {}
    for occurrences, answer in traffic.refusals.values():
        assert answer.status in {400, 404}
        for occurrence in occurrences:
            if occurrence.key == key:
                asked.setdefault(occurrence.place, []).append(occurrence.value)
    return asked


@pytest.mark.parametrize("key", keys(in_requests(), "refused"), ids=name)
def test_it_is_refused(traffic: Traffic, key: Key) -> None:
    """With every value of its list, alone or with what it lies in; and nothing of it was ever accepted."""
    asked = _asked(traffic, key)
    assert places(key, below_refused=True) - asked.keys() == set()
    given = {str(value) for values in asked.values() for value in values}
    assert set(found()[key].values) - given == set()
    accepted = [occurrence.value for occurrence in traffic.sent[key]]
    assert all(value in (None, []) for value in accepted)


@pytest.mark.parametrize(
    ("key", "word"),
    [(key, word) for key, verdict in verdicts().items() for word in verdict.never],
    ids=lambda part: name(part) if isinstance(part, tuple) else part,
)
def test_one_value_is_refused(traffic: Traffic, key: Key, word: str) -> None:
    asked = _asked(traffic, key)
    assert {place for place, values in asked.items() if word in values} >= places(key)
    assert word not in [occurrence.value for occurrence in traffic.sent[key]]
