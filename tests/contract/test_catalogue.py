"""Every refusal of the catalogue, word for word, as JSON even where a stream was asked for."""

from __future__ import annotations

import pytest

from tests.contract.cases import Case, with_streams
from tests.contract.catalogue import NOT_FOUND, QUERIES, ROWS, STATES
from tests.contract.client import Api
from tests.contract.field_cases import field_cases
from tests.contract.file_cases import FILES, FORMS
from tests.contract.transport_cases import KEYS, ROUTES
from tests.contract.vector_cases import VECTORS
from tests.contract.world import World

CASES = [
    *with_streams([*NOT_FOUND, *STATES, *field_cases()]),
    *QUERIES,
    *FILES,
    *VECTORS,
]


def test_every_row_of_the_catalogue_has_cases_or_a_reason() -> None:
    covered = {case.row for case in [*CASES, *FORMS, *KEYS, *ROUTES]} | {"not JSON"}
    assert covered == {row for row, why_not in ROWS.items() if not why_not}


async def _refused(api: Api, case: Case, world: World) -> None:
    answer = await api.call(case.method, world.fill(case.path), world.fill(case.body))
    error = {
        "message": world.fill(case.message),
        "type": case.type,
        "param": world.fill(case.param),
        "code": case.code,
    }
    assert (answer.status, answer.error) == (case.status, error)
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_refusal(looker: Api, world: World, case: Case) -> None:
    await _refused(looker, case, world)
