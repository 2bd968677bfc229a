"""No parameter of a run is without a test of what it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parameters.bodies import BODIES
from tests.parameters.outcomes import OUTCOMES
from tests.parameters.scene import ENTRIES, FIELDS, Entry

PAGE = (Path(__file__).parents[2] / "docs" / "parameters.md").read_text(encoding="utf-8")
ROWS = {case.parameter for case in BODIES} | {name for case in OUTCOMES for name in case.fields}


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_parameter_has_a_row(entry: Entry) -> None:
    assert FIELDS[entry] - ROWS == set()


def test_each_row_is_about_a_parameter() -> None:
    assert ROWS - FIELDS["CreateRun"] - FIELDS["CreateThreadAndRun"] == set()


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_parameter_is_explained(entry: Entry) -> None:
    assert {name for name in FIELDS[entry] if f"| `{name}` |" not in PAGE} == set()
