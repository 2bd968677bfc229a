"""From domain errors to what a gRPC caller sees: one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from grpc import StatusCode
from grpc_status import rpc_status

from understudy.v1.error_pb2 import ErrorDetail, Reason
from understudy_server import errors
from understudy_server.rpc.error_details import clip, standard_details

INTERNAL_MESSAGE = (
    "The server had an error processing your request. Sorry about that! You can retry your request,"
    " or contact us through our help center at help.openai.com if you keep seeing this error."
)
UNAVAILABLE_MESSAGE = "The server cannot reach its storage at the moment. Please try again later."
BLOBS_UNAVAILABLE_MESSAGE = (
    "The server cannot reach its files at the moment. Please try again later."
)
OUTCOME_UNKNOWN_MESSAGE = (
    "The server lost its storage while it carried out your request, which may or may not have"
    " happened. Please try again later."
)

# Both travel in HTTP/2 trailers, which grpc refuses beyond 8 KB; the message is there twice, once
# percent-encoded (up to three times its size) and once in base64.
_MESSAGE_BYTES = 1_500
_PARAM_BYTES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one class of errors is shown; ``message`` replaces the error's own."""

    code: StatusCode
    reason: Reason.ValueType | None
    """None: the error carries its own."""
    message: str | None = None


_UNAVAILABLE = Rule(
    code=StatusCode.UNAVAILABLE,
    reason=Reason.REASON_UNAVAILABLE,
    message=UNAVAILABLE_MESSAGE,
)
_BLOBS_UNAVAILABLE = Rule(
    code=StatusCode.UNAVAILABLE,
    reason=Reason.REASON_UNAVAILABLE,
    message=BLOBS_UNAVAILABLE_MESSAGE,
)
_INTERNAL = Rule(
    code=StatusCode.INTERNAL,
    reason=Reason.REASON_INTERNAL,
    message=INTERNAL_MESSAGE,
)

RULES: Mapping[type[errors.DomainError], Rule] = {
    errors.DomainError: _INTERNAL,
    errors.InvalidRequest: Rule(code=StatusCode.INVALID_ARGUMENT, reason=None),
    errors.NotFound: Rule(code=StatusCode.NOT_FOUND, reason=Reason.REASON_NOT_FOUND),
    errors.ModelNotFound: Rule(code=StatusCode.NOT_FOUND, reason=Reason.REASON_MODEL_NOT_FOUND),
    errors.StateConflict: Rule(
        code=StatusCode.FAILED_PRECONDITION, reason=Reason.REASON_STATE_CONFLICT
    ),
    errors.IdempotencyMismatch: Rule(
        code=StatusCode.FAILED_PRECONDITION, reason=Reason.REASON_IDEMPOTENCY_MISMATCH
    ),
    errors.Unauthenticated: Rule(
        code=StatusCode.UNAUTHENTICATED, reason=Reason.REASON_INVALID_API_KEY
    ),
    errors.MissingApiKey: Rule(
        code=StatusCode.UNAUTHENTICATED, reason=Reason.REASON_MISSING_API_KEY
    ),
    errors.InvalidApiKey: Rule(
        code=StatusCode.UNAUTHENTICATED, reason=Reason.REASON_INVALID_API_KEY
    ),
    errors.Forbidden: Rule(code=StatusCode.PERMISSION_DENIED, reason=Reason.REASON_MISSING_SCOPE),
    errors.ModelNotAllowed: Rule(
        code=StatusCode.PERMISSION_DENIED, reason=Reason.REASON_MODEL_NOT_ALLOWED
    ),
    errors.Unimplemented: Rule(code=StatusCode.UNIMPLEMENTED, reason=Reason.REASON_UNIMPLEMENTED),
    errors.Overloaded: Rule(code=StatusCode.RESOURCE_EXHAUSTED, reason=Reason.REASON_OVERLOADED),
    errors.RequestLimit: Rule(
        code=StatusCode.RESOURCE_EXHAUSTED, reason=Reason.REASON_REQUEST_LIMIT
    ),
    errors.TokenLimit: Rule(code=StatusCode.RESOURCE_EXHAUSTED, reason=Reason.REASON_TOKEN_LIMIT),
    errors.Stalled: Rule(code=StatusCode.UNAVAILABLE, reason=Reason.REASON_UNAVAILABLE),
    errors.TooLarge: Rule(
        code=StatusCode.RESOURCE_EXHAUSTED, reason=Reason.REASON_REQUEST_TOO_LARGE
    ),
    errors.UnsupportedFile: Rule(
        code=StatusCode.INVALID_ARGUMENT, reason=Reason.REASON_UNSUPPORTED_FILE
    ),
    errors.InvalidFile: Rule(code=StatusCode.INVALID_ARGUMENT, reason=Reason.REASON_INVALID_VALUE),
    errors.EmbeddingError: Rule(code=StatusCode.UNAVAILABLE, reason=Reason.REASON_UNAVAILABLE),
    # The record is there: what is lost is this server's fault.
    errors.BlobMissing: _INTERNAL,
    errors.BlobsUnavailable: _BLOBS_UNAVAILABLE,
    errors.StoreError: _UNAVAILABLE,
    # Whoever lets one come this far has used up its own retries.
    errors.Conflict: _UNAVAILABLE,
    errors.StoreUnavailable: _UNAVAILABLE,
    errors.Unsent: _UNAVAILABLE,
    errors.OutcomeUnknown: Rule(
        code=StatusCode.UNAVAILABLE,
        reason=Reason.REASON_UNAVAILABLE,
        message=OUTCOME_UNKNOWN_MESSAGE,
    ),
}


def rule_of(error: Exception) -> Rule:
    """The rule of the nearest class; what is not a domain error is this server's fault."""
    return next((RULES[cls] for cls in type(error).__mro__ if cls in RULES), _INTERNAL)


def to_status(error: Exception) -> grpc.Status:
    """The status to abort with: code, message, an ``ErrorDetail``, and the standard details that fit.

    Shows nothing of internals.
    """
    rule = rule_of(error)
    known = error if isinstance(error, errors.DomainError) else errors.DomainError("")
    reason = _reason(rule, known)
    message = clip(rule.message or known.message, _MESSAGE_BYTES)
    name = Reason.Name(reason).removeprefix("REASON_")
    details: list[Message] = [
        ErrorDetail(reason=reason, param=clip(known.param or "", _PARAM_BYTES)),
        *standard_details(rule.code, name, known, message),
    ]
    status: grpc.Status = rpc_status.to_status(
        Status(code=rule.code.value[0], message=message, details=[_packed(d) for d in details])
    )
    return status


def _packed(detail: Message) -> Any:
    packed = Any()
    packed.Pack(detail)
    return packed


def _reason(rule: Rule, error: errors.DomainError) -> Reason.ValueType:
    if rule.reason is not None:
        return rule.reason
    assert isinstance(error, errors.InvalidRequest)
    return Reason.Value(f"REASON_{error.reason}")
