"""The table of transitions, whole: nine statuses against nine inputs."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from understudy.v1 import run_pb2, usage_pb2
from understudy_server.runs import machine as m

INPUTS: dict[str, m.Input] = {
    "start": m.Start(),
    "require": m.RequireAction(action=run_pb2.RequiredAction()),
    "submit": m.Submit(),
    "request cancel": m.RequestCancel(),
    "complete": m.Complete(),
    "fail": m.Fail(error=run_pb2.RunError(message="no")),
    "stop": m.Stop(reason=run_pb2.RUN_INCOMPLETE_REASON_MAX_PROMPT_TOKENS),
    "cancel": m.Cancel(),
    "expire": m.Expire(),
}
STATUSES = [value for value in run_pb2.RunStatus.values() if value]

# Status and input, to the next status and the field that gets the present time.
LEGAL = {
    (m.QUEUED, "start"): (m.IN_PROGRESS, "started_at"),
    (m.QUEUED, "fail"): (m.FAILED, "failed_at"),
    (m.QUEUED, "request cancel"): (m.CANCELLING, None),
    (m.QUEUED, "cancel"): (m.CANCELLED, "cancelled_at"),
    (m.QUEUED, "expire"): (m.EXPIRED, None),
    (m.IN_PROGRESS, "start"): (m.IN_PROGRESS, "started_at"),
    (m.IN_PROGRESS, "require"): (m.REQUIRES_ACTION, None),
    (m.IN_PROGRESS, "complete"): (m.COMPLETED, "completed_at"),
    (m.IN_PROGRESS, "fail"): (m.FAILED, "failed_at"),
    (m.IN_PROGRESS, "stop"): (m.INCOMPLETE, "completed_at"),
    (m.IN_PROGRESS, "request cancel"): (m.CANCELLING, None),
    (m.IN_PROGRESS, "cancel"): (m.CANCELLED, "cancelled_at"),
    (m.IN_PROGRESS, "expire"): (m.EXPIRED, None),
    (m.REQUIRES_ACTION, "submit"): (m.QUEUED, None),
    (m.REQUIRES_ACTION, "request cancel"): (m.CANCELLING, None),
    (m.REQUIRES_ACTION, "cancel"): (m.CANCELLED, "cancelled_at"),
    (m.REQUIRES_ACTION, "expire"): (m.EXPIRED, None),
    (m.CANCELLING, "cancel"): (m.CANCELLED, "cancelled_at"),
}
TIMES = ("started_at", "completed_at", "failed_at", "cancelled_at")


def _state(status: Any) -> run_pb2.Run:
    state = m.created(100)
    state.status = status
    state.metadata["k"] = "v"
    if status == m.REQUIRES_ACTION:
        state.required_action.SetInParent()
    return state


@pytest.mark.parametrize(("status", "name"), list(itertools.product(STATUSES, INPUTS)))
def test_every_status_meets_every_input(status: Any, name: Any) -> None:
    before = _state(status)
    copy = _state(status)
    legal = LEGAL.get((status, name))
    if legal is None:
        with pytest.raises(m.IllegalTransition):
            m.apply(before, INPUTS[name], now=200)
        return
    after = m.apply(before, INPUTS[name], now=200)
    expected, stamp = legal
    assert after.status == expected
    assert [time for time in TIMES if getattr(after, time)] == ([stamp] if stamp else [])
    assert stamp is None or getattr(after, stamp) == 200
    assert before == copy, "the state that was given is not changed"
    assert after.metadata["k"] == "v"
    assert after.HasField("required_action") == (expected == m.REQUIRES_ACTION)
    assert after.HasField("usage") == (expected in m.TERMINAL)
    assert after.HasField("expires_at") == (expected not in m.TERMINAL or expected == m.EXPIRED)


def test_the_end_tells_usage_error_and_reason() -> None:
    usage = usage_pb2.Usage(prompt_tokens=1, total_tokens=1)
    failed = m.apply(_state(m.IN_PROGRESS), INPUTS["fail"], now=1, usage=usage)
    assert failed.usage == usage
    assert failed.last_error.message == "no"
    stopped = m.apply(_state(m.IN_PROGRESS), INPUTS["stop"], now=1)
    assert stopped.usage == m.no_usage()
    reason = run_pb2.RUN_INCOMPLETE_REASON_MAX_PROMPT_TOKENS
    assert stopped.incomplete_details.reason == reason
    filtered = m.apply(_state(m.IN_PROGRESS), m.Stop(reason=None), now=1)
    assert filtered.HasField("incomplete_details")
    assert not filtered.incomplete_details.reason


def test_usages_add_up_field_by_field() -> None:
    one = usage_pb2.Usage(
        prompt_tokens=1,
        completion_tokens=2,
        total_tokens=3,
        prompt_token_details=usage_pb2.PromptTokenDetails(cached_tokens=4),
        completion_tokens_details=usage_pb2.CompletionTokensDetails(reasoning_tokens=5),
    )
    two = m.add_usage(one, one)
    assert two.prompt_tokens == 2
    assert two.completion_tokens == 4
    assert two.total_tokens == 6
    assert two.prompt_token_details.cached_tokens == 8
    assert two.completion_tokens_details.reasoning_tokens == 10
    assert m.add_usage(m.no_usage(), one) == one
