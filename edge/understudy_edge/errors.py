"""Every error of the REST face, in OpenAI's shape: one table from reasons to HTTP.

Three things become a ``Refusal``: a ``Problem`` that the edge found itself, an error status of the
core, and a fault. What a caller reads about the last is always OpenAI's own sentence; the cause goes
to the log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import grpc
import orjson
from google.rpc import error_details_pb2, status_pb2

from understudy.v1 import error_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy_edge.problems import Problem

INTERNAL_MESSAGE: Final = (
    "The server had an error processing your request. Sorry about that! You can retry your "
    "request, or contact us through our help center at help.openai.com if you keep seeing this "
    "error."
)
UNAVAILABLE_MESSAGE: Final = "The engine is currently overloaded, please try again later"
TIMEOUT_MESSAGE: Final = "The server did not answer in time, please try again later"
TOO_LARGE_MESSAGE: Final = "The request is larger than this server accepts."

_STATUS_DETAILS: Final = "grpc-status-details-bin"
_INVALID: Final = "invalid_request_error"
_SERVER: Final = "server_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one reason looks in HTTP."""

    status: int
    type: str = _INVALID
    code: str | None = None
    retry_after: int | None = None
    """Seconds, for the ``Retry-After`` header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One error answer, ready to be written."""

    answer: Answer
    message: str
    param: str | None = None
    retry_after: int | None = None
    """Seconds, where the core says it more exactly than the table."""

    def members(self) -> dict[str, str | None]:
        """The four members of OpenAI's error object; ``param`` and ``code`` may be None."""
        return {
            "message": self.message,
            "type": self.answer.type,
            "param": self.param,
            "code": self.answer.code,
        }

    def body(self) -> bytes:
        return orjson.dumps({"error": self.members()})

    def headers(self) -> dict[str, str]:
        seconds = self.retry_after or self.answer.retry_after
        return {} if seconds is None else {"Retry-After": str(seconds)}


def _named(reason: str) -> Answer:
    return Answer(status=400, code=reason.lower())


ANSWERS: Final[Mapping[str, Answer]] = {
    "UNSPECIFIED": Answer(status=500, type=_SERVER),
    "INVALID_VALUE": _named("INVALID_VALUE"),
    "INVALID_TYPE": _named("INVALID_TYPE"),
    "MISSING_REQUIRED_PARAMETER": _named("MISSING_REQUIRED_PARAMETER"),
    "UNKNOWN_PARAMETER": _named("UNKNOWN_PARAMETER"),
    "STRING_ABOVE_MAX_LENGTH": _named("STRING_ABOVE_MAX_LENGTH"),
    "ARRAY_ABOVE_MAX_LENGTH": _named("ARRAY_ABOVE_MAX_LENGTH"),
    "EMPTY_ARRAY": _named("EMPTY_ARRAY"),
    "INTEGER_ABOVE_MAX_VALUE": _named("INTEGER_ABOVE_MAX_VALUE"),
    "INTEGER_BELOW_MIN_VALUE": _named("INTEGER_BELOW_MIN_VALUE"),
    "DECIMAL_ABOVE_MAX_VALUE": _named("DECIMAL_ABOVE_MAX_VALUE"),
    "DECIMAL_BELOW_MIN_VALUE": _named("DECIMAL_BELOW_MIN_VALUE"),
    "OBJECT_ABOVE_MAX_PROPERTIES": _named("OBJECT_ABOVE_MAX_PROPERTIES"),
    "PROPERTY_NAME_ABOVE_MAX_LENGTH": _named("PROPERTY_NAME_ABOVE_MAX_LENGTH"),
    "INVALID_FUNCTION_PARAMETERS": _named("INVALID_FUNCTION_PARAMETERS"),
    "INVALID_JSON": Answer(status=400),
    "INVALID_BETA": _named("INVALID_BETA"),
    "UNSUPPORTED_TOOL": _named("UNSUPPORTED_TOOL"),
    "UNSUPPORTED_FILE": _named("UNSUPPORTED_FILE"),
    "MISSING_API_KEY": Answer(status=401),
    "INVALID_API_KEY": Answer(status=401, code="invalid_api_key"),
    # OpenAI answered 401 where a restricted key lacked a scope, and SDKs then say that the key is wrong.
    "MISSING_SCOPE": Answer(status=403),
    # As OpenAI answers for a project that may not use a model: 403 with the code of a model that is not there.
    "MODEL_NOT_ALLOWED": Answer(status=403, code="model_not_found"),
    "NOT_FOUND": Answer(status=404),
    "MODEL_NOT_FOUND": Answer(status=404, code="model_not_found"),
    "UNKNOWN_URL": Answer(status=404),
    "METHOD_NOT_ALLOWED": Answer(status=405),
    # Not 501: clients repeat every status from 500 on, and repeating cannot help.
    "UNIMPLEMENTED": _named("UNIMPLEMENTED"),
    # Not 409: the SDKs would silently repeat the request.
    "STATE_CONFLICT": Answer(status=400),
    "IDEMPOTENCY_MISMATCH": _named("IDEMPOTENCY_MISMATCH"),
    "REQUEST_TOO_LARGE": Answer(status=413, code="request_too_large"),
    "OVERLOADED": Answer(status=429, type="requests", code="rate_limit_exceeded", retry_after=1),
    "REQUEST_LIMIT": Answer(status=429, type="requests", code="rate_limit_exceeded", retry_after=1),
    "TOKEN_LIMIT": Answer(status=429, type="tokens", code="rate_limit_exceeded", retry_after=1),
    "UNAVAILABLE": Answer(status=503, type=_SERVER, retry_after=1),
    "INTERNAL": Answer(status=500, type=_SERVER),
}

INTERNAL: Final = Refusal(answer=ANSWERS["INTERNAL"], message=INTERNAL_MESSAGE)
UNAVAILABLE: Final = Refusal(answer=ANSWERS["UNAVAILABLE"], message=UNAVAILABLE_MESSAGE)
TIMEOUT: Final = Refusal(answer=Answer(status=504, type=_SERVER), message=TIMEOUT_MESSAGE)
TOO_LARGE: Final = Refusal(answer=ANSWERS["REQUEST_TOO_LARGE"], message=TOO_LARGE_MESSAGE)

_UNEXPLAINED: Final[Mapping[grpc.StatusCode, Refusal]] = {
    grpc.StatusCode.UNAVAILABLE: UNAVAILABLE,
    # The core ended the call without a word: it is going away.
    grpc.StatusCode.CANCELLED: UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: TIMEOUT,
    # Without a reason it is gRPC's own limit on the size of a message.
    grpc.StatusCode.RESOURCE_EXHAUSTED: TOO_LARGE,
}


def refusal_of_problem(problem: Problem) -> Refusal:
    answer = ANSWERS[problem.reason]
    return Refusal(
        answer=answer if problem.coded else replace(answer, code=None),
        message=problem.message,
        param=problem.param,
    )


def refusal_of_status(error: grpc.aio.AioRpcError) -> Refusal:
    """An error status of the core; one without ``ErrorDetail`` shows nothing of its text."""
    status = _status(error)
    detail, retry = error_pb2.ErrorDetail(), error_details_pb2.RetryInfo()
    explained = [packed.Unpack(detail) for packed in status.details]
    if not any(explained):
        return _UNEXPLAINED.get(error.code(), INTERNAL)
    reason = error_pb2.Reason.Name(detail.reason) if _is_known(detail.reason) else ""
    answer = ANSWERS.get(reason.removeprefix("REASON_"))
    if answer is None or answer.status == INTERNAL.answer.status:
        return INTERNAL
    for packed in status.details:
        packed.Unpack(retry)
    return Refusal(
        answer=answer,
        message=status.message,
        param=detail.param or None,
        retry_after=retry.retry_delay.seconds or None if answer.retry_after else None,
    )


def _is_known(reason: int) -> bool:
    return reason in error_pb2.Reason.values()


def _status(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    for key, value in error.trailing_metadata() or ():
        if key == _STATUS_DETAILS and isinstance(value, bytes):
            return status_pb2.Status.FromString(value)
    return status_pb2.Status()
