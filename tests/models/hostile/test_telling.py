"""The judge of error messages knows truths from lies."""

from __future__ import annotations

import pytest

from tests.models.hostile import telling
from tests.models.hostile.facts import Facts
from tests.models.hostile.plain import LAST_CHUNK, STREAM, chunk, head, http
from tests.models.hostile.wire import Answer, Close, Play, Stall

CLOSED = "closed the connection before the answer was complete"
SILENT = "stopped answering: nothing came for 60 seconds"
UNREACHABLE = "could not be reached: Connection refused"
BAD = "sent an answer that is not understood: "
NOT_HTTP = f"{BAD}it is not HTTP"
NO_EVENT = f"{BAD}there is no event in it"
EVENT = b'data: {"error": {"message": "Too hot. Wait!"}}\n\n'
REFUSED = http(b'{"error": {"message": "No \\u00fc sk-***"}}', 502, kind="application/json")
PACKED = http(b"words", headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    ("raw", "end", "true", "false"),
    [
        (b"", Close(), [CLOSED], [SILENT, UNREACHABLE, NOT_HTTP + "."]),
        (b"", Stall(), [SILENT], [CLOSED, UNREACHABLE]),
        (b"SSH-2.0\r\n", Stall(), [NOT_HTTP, SILENT], [CLOSED]),
        (head(200, STREAM) + chunk(EVENT) + LAST_CHUNK, None, [CLOSED], [NOT_HTTP, NO_EVENT]),
        (head(200, STREAM) + chunk(EVENT) + b"zz\r\n", None, [NOT_HTTP], [NO_EVENT, CLOSED]),
        (head(200, STREAM) + chunk(EVENT)[:-9], None, [SILENT], [NOT_HTTP, CLOSED]),
        (http(b"words"), None, [NO_EVENT], [NOT_HTTP, f"{BAD}bad JSON: x"]),
        (http(b"data: {oops\n\n"), None, [f"{BAD}bad JSON: x"], [NO_EVENT]),
        (http(b"data: []\n\n"), None, [f"{BAD}an event that is not an object"], []),
        (http(EVENT), None, ["reported an error: Too hot. Wait!"], ["reported an error: Cold"]),
        (
            REFUSED,
            None,
            ["had an error (502): No ü sk-***", "had an error (502)"],
            ["had an error (503)", "refused the request (502)", "had an error (502): Yes"],
        ),
        (http(b"", 404), None, ["does not offer this model (404)"], ["had an error (404)"]),
        (http(b"", 204) + b"x", None, [NOT_HTTP], []),
        (PACKED, None, [f"{BAD}it is not compressed as it says"], [f"{BAD}it is not compressed"]),
        (http(b"x" * 1_048_577), None, [f"{BAD}it is longer than 1,048,576 bytes"], []),
        (http(b"x"), None, [], [f"{BAD}it is longer than 1,048,576 bytes", "was odd", "is odd: x"]),
    ],
)
def test_a_claim_is_measured_by_what_was_sent(
    raw: bytes, end: Play | None, true: list[str], false: list[str]
) -> None:
    facts = Facts(Answer(plays=(end,) if end else ()), raw, silence=60)
    for words in true:
        telling.check_true(f"The model provider 'acme' {words}", facts)
    for words in false:
        with pytest.raises(AssertionError):
            telling.check_true(f"The model provider 'acme' {words}", facts)


def test_words_that_stand_alone_are_the_providers() -> None:
    facts = Facts(Answer(plays=()), http(EVENT, 429), silence=0)
    telling.check_true("Too hot. Wait…", facts)
    with pytest.raises(AssertionError):
        telling.check_true("Too cold.", facts)


def test_nobody_was_silent_who_had_less_than_a_minute() -> None:
    facts = Facts(Answer(plays=(Stall(),)), b"", silence=59)
    with pytest.raises(AssertionError):
        telling.check_true(f"The model provider 'acme' {SILENT}", facts)


@pytest.mark.parametrize(
    ("body", "complete"),
    [
        (b'data: {"type": "response.completed"}\n\n', True),
        (b'data: {"choices": [{"finish_reason": "stop"}]}\r\n\r\n', True),
        (b"data: [DONE]\n\n", True),
        (b'data: {"type": "response.created"}\n\n', False),
        (b'data: {"choices": [{"finish_reason": null}]}\n\n', False),
    ],
)
def test_only_a_said_end_is_one(body: bytes, complete: bool) -> None:
    facts = Facts(Answer(plays=()), http(body), silence=0)
    if complete:
        telling.check_complete(facts)
        return
    with pytest.raises(AssertionError):
        telling.check_complete(facts)
