"""What a gRPC client finds beside the ``ErrorDetail``."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as rpc
from google.rpc.status_pb2 import Status

from understudy_server import errors
from understudy_server.rpc.errors import to_status
from understudy_server.rpc.lookup import STEP, missing

KINDS: tuple[type[Message], ...] = (rpc.BadRequest, rpc.ResourceInfo, rpc.RetryInfo)


def details(error: Exception) -> list[Message]:
    (metadatum,) = to_status(error).trailing_metadata
    _, *packed = Status.FromString(metadatum[1]).details
    found: list[Message] = []
    for each in packed:
        kind = next(kind for kind in KINDS if each.Is(kind.DESCRIPTOR))
        message = kind()
        each.Unpack(message)
        found.append(message)
    return found


def test_an_invalid_request_names_its_field() -> None:
    error = errors.InvalidRequest("too big", reason="INTEGER_ABOVE_MAX_VALUE", param="limit")
    (found,) = details(error)
    assert found == rpc.BadRequest(
        field_violations=[
            {"field": "limit", "description": "too big", "reason": "INTEGER_ABOVE_MAX_VALUE"}
        ]
    )


def test_without_a_field_there_is_none_to_name() -> None:
    assert details(errors.InvalidRequest("odd", reason="INVALID_VALUE")) == []


def test_what_is_missing_is_named() -> None:
    (found,) = details(missing(STEP, "step_1"))
    assert isinstance(found, rpc.ResourceInfo)
    assert (found.resource_type, found.resource_name) == ("understudy.v1.RunStep", "step_1")


@pytest.mark.parametrize(
    "error",
    [
        errors.StoreUnavailable("x"),
        errors.OutcomeUnknown("x"),
        errors.BlobsUnavailable("x"),
        errors.Overloaded("full"),
    ],
)
def test_what_is_temporary_tells_when_to_come_again(error: Exception) -> None:
    (found,) = details(error)
    assert isinstance(found, rpc.RetryInfo)
    assert found.retry_delay.seconds == 1


@pytest.mark.parametrize(("seconds", "told"), [(0.2, 1), (40, 40), (40.1, 41), (80_000, 80_000)])
def test_a_limit_tells_when_there_is_more(seconds: float, told: int) -> None:
    for kind in (errors.RequestLimit, errors.TokenLimit):
        (found,) = details(kind("slower", retry_after=seconds))
        assert found == rpc.RetryInfo(retry_delay={"seconds": told})


@pytest.mark.parametrize(
    "error", [errors.TooLarge("big"), errors.StateConflict("busy"), ValueError()]
)
def test_what_will_not_change_by_waiting_does_not(error: Exception) -> None:
    assert details(error) == []


def test_the_longest_error_fits_into_a_trailer() -> None:
    wide = "\N{GRINNING FACE}" * 5_000
    status = to_status(errors.InvalidRequest(wide, reason="INVALID_VALUE", param=wide))
    (metadatum,) = status.trailing_metadata
    # grpc percent-encodes the message and base64-encodes the details.
    size = 3 * len(status.details.encode()) + len(metadatum[1]) * 4 / 3
    assert size < 8_000
