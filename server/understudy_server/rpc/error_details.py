"""The standard details of ``google.rpc`` that go with an error: what is at fault or missing, when to come again."""

from __future__ import annotations

import math
from collections.abc import Iterator

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc import StatusCode

from understudy_server.errors import DomainError, NotFound, Overloaded

RETRY_SECONDS = 1
"""After which a caller that was refused for want of something may come again; the REST face says the same."""

# All details travel in one trailer with the message, which grpc refuses beyond 8 KB.
_DESCRIPTION_BYTES = 300
_NAME_BYTES = 256

_TEMPORARY = frozenset({StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED})


def standard_details(
    code: StatusCode, reason: str, error: DomainError, message: str
) -> Iterator[Message]:
    """``reason``: as in ``understudy.v1.Reason``, without its prefix. ``message``: what the caller is shown."""
    if code is StatusCode.INVALID_ARGUMENT and error.param:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=clip(error.param, _NAME_BYTES),
            description=clip(message, _DESCRIPTION_BYTES),
            reason=reason,
        )
        yield error_details_pb2.BadRequest(field_violations=[violation])
    if isinstance(error, NotFound) and error.resource is not None:
        kind, name = error.resource
        yield error_details_pb2.ResourceInfo(
            resource_type=kind,
            resource_name=clip(name, _NAME_BYTES),
            description="No such object in this project.",
        )
    if code in _TEMPORARY and reason != "REQUEST_TOO_LARGE":
        seconds = error.retry_after if isinstance(error, Overloaded) else RETRY_SECONDS
        yield error_details_pb2.RetryInfo(retry_delay=Duration(seconds=math.ceil(seconds)))


def clip(text: str, limit: int) -> str:
    """At most ``limit`` bytes of UTF-8."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= limit:
        return text
    return encoded[: limit - 3].decode(errors="ignore") + "…"
