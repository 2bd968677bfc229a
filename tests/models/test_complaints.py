"""What the person who runs the application reads about each failure."""

from __future__ import annotations

from typing import Any

import pytest

from understudy_server.models.complaints import model_error, scrub
from understudy_server.models.failure import UpstreamFailure


def refused(status: int | None, message: str = "Said.", **fields: Any) -> UpstreamFailure:
    return UpstreamFailure(kind="refused", status=status, message=message, **fields)


PREFIX = "The model provider 'acme' "


@pytest.mark.parametrize(
    ("failure", "code", "message"),
    [
        (refused(401), "server_error", PREFIX + "refused the API key (401): Said."),
        (refused(403), "server_error", PREFIX + "refused access (403): Said."),
        (
            refused(404, code="model_not_found"),
            "server_error",
            PREFIX + "does not offer this model (404): Said.",
        ),
        (
            refused(404),
            "server_error",
            PREFIX + "has no such address; its base_url may be wrong (404): Said.",
        ),
        (refused(400), "server_error", PREFIX + "refused the request (400): Said."),
        (
            refused(400, code="unknown_parameter", param="input[0].x"),
            "server_error",
            PREFIX + "refused the request (400): Said.",
        ),
        (
            refused(400, code="unsupported_parameter", param="temperature"),
            "server_error",
            PREFIX + "refused the request (400): Said.",
        ),
        (refused(400, code="context_length_exceeded"), "invalid_prompt", "Said."),
        (refused(400, code="content_policy_violation"), "invalid_prompt", "Said."),
        (refused(400, code="content_filter"), "invalid_prompt", "Said."),
        (refused(400, code="invalid_image_url"), "invalid_prompt", "Said."),
        (refused(400, param="messages[1].content"), "invalid_prompt", "Said."),
        (refused(400, param="input"), "invalid_prompt", "Said."),
        (
            refused(400, "This model's maximum context length is 8192 tokens."),
            "invalid_prompt",
            "This model's maximum context length is 8192 tokens.",
        ),
        (refused(413), "invalid_prompt", "Said."),
        (refused(422, param="input[0]"), "invalid_prompt", "Said."),
        (refused(None, code="invalid_prompt"), "invalid_prompt", "Said."),
        (refused(None, code="image_too_large"), "invalid_prompt", "Said."),
        (refused(None), "server_error", PREFIX + "reported an error: Said."),
        (refused(429), "rate_limit_exceeded", "Said."),
        (refused(429, code="insufficient_quota"), "rate_limit_exceeded", "Said."),
        (refused(None, code="rate_limit_exceeded"), "rate_limit_exceeded", "Said."),
        (refused(500), "server_error", PREFIX + "had an error (500): Said."),
        (
            UpstreamFailure(kind="unreachable", message="no route"),
            "server_error",
            PREFIX + "could not be reached: no route",
        ),
        (
            UpstreamFailure(kind="dropped"),
            "server_error",
            PREFIX + "closed the connection before the answer was complete",
        ),
        (UpstreamFailure(kind="stalled"), "server_error", PREFIX + "stopped answering"),
        (
            UpstreamFailure(kind="malformed", message="bad JSON"),
            "server_error",
            PREFIX + "sent an answer that is not understood: bad JSON",
        ),
    ],
)
@pytest.mark.parametrize("partial", [True, False])
def test_every_failure(failure: UpstreamFailure, code: str, message: str, partial: bool) -> None:
    error = model_error("acme", failure, partial=partial)
    assert (error.code, error.message, error.partial) == (code, message, partial)


@pytest.mark.parametrize(
    ("message", "secrets", "clean"),
    [
        ("Incorrect API key provided: hunter2222.", ["hunter2222"], "provided: ***."),
        ("Incorrect API key provided: sk-abc12345.", [], "provided: sk-***"),
        ("Bearer abcdef.123 is wrong", [], "Bearer *** is wrong"),
        ("none of these", ["none"], "none of these"),
        ("a risk-free task", [], "a risk-free task"),
    ],
)
def test_keys_never_show(message: str, secrets: list[str], clean: str) -> None:
    assert scrub(message, secrets).endswith(clean)


def test_each_kind_of_error_is_scrubbed() -> None:
    for failure in (
        refused(429, "key hunter2222"),
        refused(400, "key hunter2222", param="input"),
        refused(500, "key hunter2222"),
        UpstreamFailure(kind="unreachable", message="key hunter2222"),
    ):
        assert (
            "hunter"
            not in model_error("acme", failure, partial=False, secrets=["hunter2222"]).message
        )
