"""The table of errors, from end to end of both enums."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.rpc.status_pb2 import Status
from grpc import StatusCode

from understudy.v1.error_pb2 import ErrorDetail, Reason
from understudy_server import errors
from understudy_server.rpc.errors import (
    BLOBS_UNAVAILABLE_MESSAGE,
    INTERNAL_MESSAGE,
    OUTCOME_UNKNOWN_MESSAGE,
    RULES,
    UNAVAILABLE_MESSAGE,
    to_status,
)

REST_ONLY = {
    "REASON_INVALID_JSON",
    "REASON_INVALID_BETA",
    "REASON_UNKNOWN_URL",
    "REASON_METHOD_NOT_ALLOWED",
}
"""Reasons that the edge alone gives."""

BY_CLASS = {"REASON_UNSUPPORTED_FILE"}
"""Reasons of invalid requests that have a class of their own."""

_INVALID = {name for name in Reason.keys() if 0 < Reason.Value(name) < 30} - REST_ONLY - BY_CLASS  # noqa: SIM118


def _tree(cls: type[errors.DomainError]) -> Iterator[type[errors.DomainError]]:
    yield cls
    # Only its own module: other tests may define classes too.
    for child in (c for c in cls.__subclasses__() if c.__module__ == errors.__name__):
        yield from _tree(child)


def _detail(status: Status) -> ErrorDetail:
    detail = ErrorDetail()
    assert status.details[0].Unpack(detail)
    return detail


def _shown(error: Exception) -> tuple[StatusCode, str, str, str]:
    """Code, reason, param and message."""
    status = to_status(error)
    (metadatum,) = status.trailing_metadata
    rich = Status.FromString(metadatum[1])
    assert metadatum[0] == "grpc-status-details-bin"
    assert (rich.code, rich.message) == (status.code.value[0], status.details)
    detail = _detail(rich)
    reason = Reason.Name(detail.reason).removeprefix("REASON_")
    return status.code, reason, detail.param, status.details


CASES = [
    (
        errors.InvalidRequest("bad", reason="INVALID_VALUE", param="a.b"),
        (StatusCode.INVALID_ARGUMENT, "INVALID_VALUE", "a.b", "bad"),
    ),
    (errors.NotFound("none"), (StatusCode.NOT_FOUND, "NOT_FOUND", "", "none")),
    (
        errors.ModelNotFound("m"),
        (StatusCode.NOT_FOUND, "MODEL_NOT_FOUND", "model", "The model 'm' does not exist"),
    ),
    (
        errors.StateConflict("busy"),
        (StatusCode.FAILED_PRECONDITION, "STATE_CONFLICT", "", "busy"),
    ),
    (
        errors.IdempotencyMismatch("other"),
        (StatusCode.FAILED_PRECONDITION, "IDEMPOTENCY_MISMATCH", "", "other"),
    ),
    (errors.Unauthenticated("who"), (StatusCode.UNAUTHENTICATED, "INVALID_API_KEY", "", "who")),
    (errors.MissingApiKey("who"), (StatusCode.UNAUTHENTICATED, "MISSING_API_KEY", "", "who")),
    (errors.InvalidApiKey("who"), (StatusCode.UNAUTHENTICATED, "INVALID_API_KEY", "", "who")),
    (errors.Unimplemented("not here"), (StatusCode.UNIMPLEMENTED, "UNIMPLEMENTED", "", "not here")),
    (errors.Forbidden("no"), (StatusCode.PERMISSION_DENIED, "MISSING_SCOPE", "", "no")),
    (
        errors.ModelNotAllowed("no"),
        (StatusCode.PERMISSION_DENIED, "MODEL_NOT_ALLOWED", "", "no"),
    ),
    (
        errors.RequestLimit("slower"),
        (StatusCode.RESOURCE_EXHAUSTED, "REQUEST_LIMIT", "", "slower"),
    ),
    (errors.TokenLimit("less"), (StatusCode.RESOURCE_EXHAUSTED, "TOKEN_LIMIT", "", "less")),
    (errors.Overloaded("full"), (StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", "", "full")),
    (errors.Stalled("slow"), (StatusCode.UNAVAILABLE, "UNAVAILABLE", "", "slow")),
    (
        errors.TooLarge("big"),
        (StatusCode.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE", "", "big"),
    ),
    (
        errors.UnsupportedFile("csv", param="file_id"),
        (StatusCode.INVALID_ARGUMENT, "UNSUPPORTED_FILE", "file_id", "csv"),
    ),
    (
        errors.InvalidFile("broken"),
        (StatusCode.INVALID_ARGUMENT, "INVALID_VALUE", "", "broken"),
    ),
    (errors.EmbeddingError("slow"), (StatusCode.UNAVAILABLE, "UNAVAILABLE", "", "slow")),
    (errors.BlobMissing("key"), (StatusCode.INTERNAL, "INTERNAL", "", INTERNAL_MESSAGE)),
    (
        errors.BlobsUnavailable("/secret"),
        (StatusCode.UNAVAILABLE, "UNAVAILABLE", "", BLOBS_UNAVAILABLE_MESSAGE),
    ),
    (errors.StoreError("x"), (StatusCode.UNAVAILABLE, "UNAVAILABLE", "", UNAVAILABLE_MESSAGE)),
    (errors.Conflict(), (StatusCode.UNAVAILABLE, "UNAVAILABLE", "", UNAVAILABLE_MESSAGE)),
    (
        errors.StoreUnavailable("redis://secret@host"),
        (StatusCode.UNAVAILABLE, "UNAVAILABLE", "", UNAVAILABLE_MESSAGE),
    ),
    (errors.Unsent("x"), (StatusCode.UNAVAILABLE, "UNAVAILABLE", "", UNAVAILABLE_MESSAGE)),
    (
        errors.OutcomeUnknown("x"),
        (StatusCode.UNAVAILABLE, "UNAVAILABLE", "", OUTCOME_UNKNOWN_MESSAGE),
    ),
    (errors.DomainError("x"), (StatusCode.INTERNAL, "INTERNAL", "", INTERNAL_MESSAGE)),
    (ZeroDivisionError("secret"), (StatusCode.INTERNAL, "INTERNAL", "", INTERNAL_MESSAGE)),
]


@pytest.mark.parametrize(("error", "shown"), CASES, ids=lambda case: type(case).__name__)
def test_what_a_caller_sees(error: Exception, shown: tuple[StatusCode, str, str, str]) -> None:
    assert _shown(error) == shown


@pytest.mark.parametrize("reason", sorted(_INVALID))
def test_an_invalid_request_has_its_own_reason(reason: str) -> None:
    name = reason.removeprefix("REASON_")
    error = errors.InvalidRequest("m", reason=name, param="p")
    assert _shown(error) == (StatusCode.INVALID_ARGUMENT, name, "p", "m")


def test_every_class_of_the_tree_has_a_rule_and_a_case() -> None:
    tree = set(_tree(errors.DomainError))
    assert set(RULES) == tree
    assert tree <= {type(error) for error, _ in CASES}


def test_every_reason_that_the_core_can_give_is_given() -> None:
    given = {f"REASON_{shown[1]}" for _, shown in CASES} | _INVALID
    assert given == set(Reason.keys()) - REST_ONLY - {"REASON_UNSPECIFIED"}


def test_a_class_without_a_rule_is_shown_as_its_parent() -> None:
    class Special(errors.StateConflict):
        pass

    assert _shown(Special("m"))[:2] == (StatusCode.FAILED_PRECONDITION, "STATE_CONFLICT")


@pytest.mark.parametrize("letter", ["a", "é", "🙂"])
def test_long_texts_fit_into_trailers(letter: str) -> None:
    error = errors.InvalidRequest(letter * 9_000, reason="INVALID_VALUE", param=letter * 9_000)
    _, _, param, message = _shown(error)
    assert message.endswith(letter + "…")
    assert len(message.encode()) <= 1_500
    assert len(param.encode()) <= 256
    (metadatum,) = to_status(error).trailing_metadata
    assert 3 * len(message.encode()) + len(metadatum[1]) * 4 / 3 < 8_000
