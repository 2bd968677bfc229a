"""One row for each reason, and what a status without a reason becomes."""

from __future__ import annotations

import grpc
import orjson
import pytest
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from understudy.v1 import error_pb2
from understudy_edge.errors import ANSWERS, Refusal, refusal_of_problem, refusal_of_status
from understudy_edge.problems import Problem

REASONS = [name.removeprefix("REASON_") for name in error_pb2.Reason.keys()]  # noqa: SIM118  an enum


def status_error(code: grpc.StatusCode, message: str, *details: Message) -> grpc.aio.AioRpcError:
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    trailing = grpc.aio.Metadata(("grpc-status-details-bin", status.SerializeToString()))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, details=message)


def test_the_table_has_exactly_the_reasons_of_the_contract() -> None:
    assert sorted(ANSWERS) == sorted(REASONS)


@pytest.mark.parametrize(
    ("reason", "status", "type", "code"),
    [
        ("INVALID_VALUE", 400, "invalid_request_error", "invalid_value"),
        ("INVALID_TYPE", 400, "invalid_request_error", "invalid_type"),
        ("MISSING_REQUIRED_PARAMETER", 400, "invalid_request_error", "missing_required_parameter"),
        ("UNKNOWN_PARAMETER", 400, "invalid_request_error", "unknown_parameter"),
        ("STRING_ABOVE_MAX_LENGTH", 400, "invalid_request_error", "string_above_max_length"),
        ("ARRAY_ABOVE_MAX_LENGTH", 400, "invalid_request_error", "array_above_max_length"),
        ("EMPTY_ARRAY", 400, "invalid_request_error", "empty_array"),
        ("INTEGER_ABOVE_MAX_VALUE", 400, "invalid_request_error", "integer_above_max_value"),
        ("INTEGER_BELOW_MIN_VALUE", 400, "invalid_request_error", "integer_below_min_value"),
        ("DECIMAL_ABOVE_MAX_VALUE", 400, "invalid_request_error", "decimal_above_max_value"),
        ("DECIMAL_BELOW_MIN_VALUE", 400, "invalid_request_error", "decimal_below_min_value"),
        (
            "OBJECT_ABOVE_MAX_PROPERTIES",
            400,
            "invalid_request_error",
            "object_above_max_properties",
        ),
        (
            "PROPERTY_NAME_ABOVE_MAX_LENGTH",
            400,
            "invalid_request_error",
            "property_name_above_max_length",
        ),
        (
            "INVALID_FUNCTION_PARAMETERS",
            400,
            "invalid_request_error",
            "invalid_function_parameters",
        ),
        ("INVALID_JSON", 400, "invalid_request_error", None),
        ("INVALID_BETA", 400, "invalid_request_error", "invalid_beta"),
        ("UNSUPPORTED_TOOL", 400, "invalid_request_error", "unsupported_tool"),
        ("MISSING_API_KEY", 401, "invalid_request_error", None),
        ("INVALID_API_KEY", 401, "invalid_request_error", "invalid_api_key"),
        ("MISSING_SCOPE", 403, "invalid_request_error", None),
        ("MODEL_NOT_ALLOWED", 403, "invalid_request_error", "model_not_found"),
        ("NOT_FOUND", 404, "invalid_request_error", None),
        ("MODEL_NOT_FOUND", 404, "invalid_request_error", "model_not_found"),
        ("UNKNOWN_URL", 404, "invalid_request_error", None),
        ("METHOD_NOT_ALLOWED", 405, "invalid_request_error", None),
        ("UNIMPLEMENTED", 400, "invalid_request_error", "unimplemented"),
        ("STATE_CONFLICT", 400, "invalid_request_error", None),
        ("IDEMPOTENCY_MISMATCH", 400, "invalid_request_error", "idempotency_mismatch"),
        ("REQUEST_TOO_LARGE", 413, "invalid_request_error", "request_too_large"),
        ("OVERLOADED", 429, "requests", "rate_limit_exceeded"),
        ("REQUEST_LIMIT", 429, "requests", "rate_limit_exceeded"),
        ("TOKEN_LIMIT", 429, "tokens", "rate_limit_exceeded"),
        ("UNAVAILABLE", 503, "server_error", None),
    ],
)
def test_a_reason_of_the_core(reason: str, status: int, type: str, code: str | None) -> None:
    detail = error_pb2.ErrorDetail(
        reason=error_pb2.Reason.Value(f"REASON_{reason}"), param="tools[0].type"
    )
    # The reason decides; the gRPC code is for gRPC callers.
    refusal = refusal_of_status(status_error(grpc.StatusCode.UNKNOWN, "Said the core.", detail))
    assert refusal.answer.status == status
    assert refusal.members() == {
        "message": "Said the core.",
        "type": type,
        "param": "tools[0].type",
        "code": code,
    }


@pytest.mark.parametrize(
    ("reason", "seconds", "headers"),
    [
        ("REQUEST_LIMIT", 40, {"Retry-After": "40"}),
        ("TOKEN_LIMIT", 80_000, {"Retry-After": "80000"}),
        # What the table says, where the core says nothing.
        ("TOKEN_LIMIT", None, {"Retry-After": "1"}),
        ("OVERLOADED", 1, {"Retry-After": "1"}),
        ("NOT_FOUND", 40, {}),
    ],
)
def test_when_to_come_again_is_what_the_core_says(
    reason: str, seconds: int | None, headers: dict[str, str]
) -> None:
    details: list[Message] = [
        error_pb2.ErrorDetail(reason=error_pb2.Reason.Value(f"REASON_{reason}"))
    ]
    if seconds is not None:
        details.append(error_details_pb2.RetryInfo(retry_delay={"seconds": seconds}))
    error = status_error(grpc.StatusCode.RESOURCE_EXHAUSTED, "Slower.", *details)
    assert refusal_of_status(error).headers() == headers


@pytest.mark.parametrize(
    ("code", "status", "retry"),
    [
        (grpc.StatusCode.UNAVAILABLE, 503, {"Retry-After": "1"}),
        (grpc.StatusCode.CANCELLED, 503, {"Retry-After": "1"}),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 504, {}),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 413, {}),
        (grpc.StatusCode.INTERNAL, 500, {}),
        (grpc.StatusCode.UNKNOWN, 500, {}),
        (grpc.StatusCode.UNIMPLEMENTED, 500, {}),
        (grpc.StatusCode.INVALID_ARGUMENT, 500, {}),
    ],
)
def test_a_status_without_a_reason_tells_nothing_of_its_text(
    code: grpc.StatusCode, status: int, retry: dict[str, str]
) -> None:
    for refusal in (
        refusal_of_status(status_error(code, "secret")),
        refusal_of_status(
            grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details="secret")
        ),
    ):
        assert refusal.answer.status == status
        assert refusal.headers() == retry
        assert "secret" not in refusal.message


@pytest.mark.parametrize("reason", [0, error_pb2.REASON_INTERNAL, 12345])
def test_a_fault_or_an_unknown_reason_is_an_internal_error(reason: int) -> None:
    detail = error_pb2.ErrorDetail()
    detail.MergeFromString(bytes([8]) + _varint(reason))
    refusal = refusal_of_status(status_error(grpc.StatusCode.INTERNAL, "secret", detail))
    assert refusal.answer.status == 500
    assert "secret" not in refusal.message


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def test_the_body_always_has_all_four_members() -> None:
    refusal = refusal_of_problem(Problem("INVALID_JSON", "Not JSON."))
    assert orjson.loads(refusal.body()) == {
        "error": {
            "message": "Not JSON.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    }


def test_a_refusal_with_param() -> None:
    refusal = refusal_of_problem(Problem("INVALID_TYPE", "No.", "name"))
    assert isinstance(refusal, Refusal)
    assert refusal.param == "name"
