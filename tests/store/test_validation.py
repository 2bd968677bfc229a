"""What no backend may be asked. The suite tries the mistakes; here is what is just allowed."""

from __future__ import annotations

import pytest

from tests.conformance.samples import append, check, commit_of, delete, drop, entry, put
from understudy_server.store.port import MAX_COMMIT_BYTES, MAX_NUMBER, MAX_OPERATIONS, Operation
from understudy_server.store.validation import validate, validate_limit


@pytest.mark.parametrize(
    "operations",
    [
        [],
        [put(str(number)) for number in range(MAX_OPERATIONS)],
        [put("a", body=b"x" * (MAX_COMMIT_BYTES - 1)), append(entry((1, 1), body=b"x"))],
        [put("a", order=0, due=0)],
        [put("a", order=MAX_NUMBER, due=MAX_NUMBER)],
        [put("a", kind="x"), put("a", kind="y"), check("b", None, kind="x")],
        [put("log"), append(entry((1, 1)), log="log"), drop("other")],
        [delete("", "1")],
        [append(entry((1, 1), (1, 9)), entry((2, 1)))],
    ],
    ids=[
        "nothing",
        "many operations",
        "many bytes",
        "small numbers",
        "large numbers",
        "one id, three kinds",
        "a record and a log of one name",
        "an empty id",
        "ascending entries",
    ],
)
def test_the_edges_are_inside(operations: list[Operation]) -> None:
    validate(commit_of(*operations))


def test_what_is_no_operation_is_named() -> None:
    with pytest.raises(ValueError, match="'put' is not an operation"):
        validate(commit_of("put"))  # type: ignore[arg-type]  # the mistake under test


def test_limits() -> None:
    validate_limit(1)
    with pytest.raises(ValueError):
        validate_limit(0)
