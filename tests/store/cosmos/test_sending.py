from __future__ import annotations

from collections.abc import Mapping

import pytest
from aiohttp import ClientConnectionError, ClientConnectorError, ServerDisconnectedError
from aiohttp.client_reqrep import ConnectionKey
from azure.core.exceptions import ServiceRequestError
from azure.cosmos.exceptions import CosmosHttpResponseError

from understudy_server.errors import OutcomeUnknown
from understudy_server.store.cosmos.sending import (
    asked_to_wait,
    never_sent,
    refusal,
    refuse_doubt,
)

KEY = ConnectionKey("host", 443, True, True, None, None, None)


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [
        (200, {}, None),
        (412, {"x-ms-retry-after-ms": "5"}, None),
        (429, {"x-ms-retry-after-ms": "1500"}, 1.5),
        (429, {"x-ms-retry-after-ms": "0"}, 0.0),
        (429, {"x-ms-retry-after-ms": "-7"}, 0.0),
        (429, {"x-ms-retry-after-ms": "soon"}, 0.1),
        (429, {}, 0.1),
        (449, {"x-ms-retry-after-ms": "10"}, 0.01),
    ],
)
def test_when_to_come_again(status: int, headers: Mapping[str, str], pause: float | None) -> None:
    assert asked_to_wait(status, headers) == pause


@pytest.mark.parametrize("status", [200, 304, 400, 404, 409, 410, 412, 413])
def test_answers_without_doubt(status: int) -> None:
    refuse_doubt(status)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_answers_that_leave_doubt(status: int) -> None:
    with pytest.raises(OutcomeUnknown, match=str(status)):
        refuse_doubt(status)


@pytest.mark.parametrize(
    ("cause", "unsent"),
    [
        (ClientConnectorError(KEY, OSError(111, "refused")), True),
        (ServerDisconnectedError(), False),
        (ClientConnectionError("lost"), False),
        (TimeoutError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_was_never_sent(cause: Exception, unsent: bool) -> None:
    # The SDK gives all of them the name of the first.
    error = ServiceRequestError("failed")
    error.__cause__ = cause
    assert never_sent(error) is unsent


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ('{"code": "Forbidden", "message": "no way\\r\\nActivityId: x"}', "403 no way"),
        ("plain\nmore", "403 plain"),
        ("{broken", "403 {broken"),
        ("", "403"),
        ("x" * 1000, "403 " + "x" * 300),
    ],
)
def test_refusals_are_told_shortly(message: str, words: str) -> None:
    error = CosmosHttpResponseError(403, message)  # type: ignore[no-untyped-call]  # the package's
    assert refusal(error).startswith(words)
    assert len(refusal(error)) < 310
