"""The run's statuses as a table.

    create ──► queued ──► in_progress ──► completed | failed | incomplete
                 ▲            │  │ ▲
          submit │            │  │ └──────────── takeover: starts again, in place
                 └── requires_action
    cancel: queued, in_progress, requires_action ──► cancelling ──► cancelled
    expiry: queued, in_progress, requires_action ──► expired

No clock, no store, no await: ``apply`` takes a run's state and an input, and gives the next state. What it
does not list is impossible, and asking for it is a bug of the caller: ``IllegalTransition``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

from understudy.v1 import run_pb2, usage_pb2

EXPIRES_AFTER = 600
"""Seconds from a run's creation to its expiry; waiting for tool outputs does not stop this clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A core begins, or begins again, to work on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequireAction:
    action: run_pb2.RequiredAction


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """The outputs of all pending calls have come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCancel:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    error: run_pb2.RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """It ended early; ``reason`` is None for a filtered answer."""

    reason: run_pb2.RunIncompleteReason.ValueType | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    pass


Input: TypeAlias = (
    Start | RequireAction | Submit | RequestCancel | Complete | Fail | Stop | Cancel | Expire
)
Status: TypeAlias = run_pb2.RunStatus.ValueType

QUEUED = run_pb2.RUN_STATUS_QUEUED
IN_PROGRESS = run_pb2.RUN_STATUS_IN_PROGRESS
REQUIRES_ACTION = run_pb2.RUN_STATUS_REQUIRES_ACTION
CANCELLING = run_pb2.RUN_STATUS_CANCELLING
CANCELLED = run_pb2.RUN_STATUS_CANCELLED
FAILED = run_pb2.RUN_STATUS_FAILED
COMPLETED = run_pb2.RUN_STATUS_COMPLETED
INCOMPLETE = run_pb2.RUN_STATUS_INCOMPLETE
EXPIRED = run_pb2.RUN_STATUS_EXPIRED

TERMINAL = frozenset({CANCELLED, FAILED, COMPLETED, INCOMPLETE, EXPIRED})
CANCELLABLE = frozenset({QUEUED, IN_PROGRESS, REQUIRES_ACTION})
STREAM_ENDS = TERMINAL | {REQUIRES_ACTION}
"""A stream of events ends with a run event in one of these."""

TRANSITIONS: dict[tuple[Status, type[Input]], Status] = {
    (QUEUED, Start): IN_PROGRESS,
    (IN_PROGRESS, Start): IN_PROGRESS,
    (IN_PROGRESS, RequireAction): REQUIRES_ACTION,
    (REQUIRES_ACTION, Submit): QUEUED,
    (IN_PROGRESS, Complete): COMPLETED,
    (QUEUED, Fail): FAILED,
    (IN_PROGRESS, Fail): FAILED,
    (IN_PROGRESS, Stop): INCOMPLETE,
    **{(status, RequestCancel): CANCELLING for status in CANCELLABLE},
    # A run may end as cancelled straight away: the commit that asks and the one that ends are then one.
    **{(status, Cancel): CANCELLED for status in (*CANCELLABLE, CANCELLING)},
    **{(status, Expire): EXPIRED for status in CANCELLABLE},
}


class IllegalTransition(Exception):
    """A bug: the run's status does not allow this input."""


def created(now: int) -> run_pb2.Run:
    """The state of a new run. ``now`` in Unix seconds."""
    return run_pb2.Run(status=QUEUED, created_at=now, expires_at=now + EXPIRES_AFTER)


def apply(
    state: run_pb2.Run, input: Input, *, now: int, usage: usage_pb2.Usage | None = None
) -> run_pb2.Run:
    """The run's state after ``input``, as a new message; ``usage`` is what the whole run has used."""
    try:
        status = TRANSITIONS[state.status, type(input)]
    except KeyError:
        name = run_pb2.RunStatus.Name(state.status)
        raise IllegalTransition(f"{type(input).__name__} in {name}") from None
    after = run_pb2.Run()
    after.CopyFrom(state)
    after.status = status
    after.ClearField("required_action")
    match input:
        case Start():
            after.started_at = now
        case RequireAction(action=action):
            after.required_action.CopyFrom(action)
        case Complete():
            after.completed_at = now
        case Fail(error=error):
            after.failed_at = now
            after.last_error.CopyFrom(error)
        case Stop(reason=reason):
            after.completed_at = now
            after.incomplete_details.SetInParent()
            if reason is not None:
                after.incomplete_details.reason = reason
        case Cancel():
            after.cancelled_at = now
        case Submit() | RequestCancel() | Expire():
            pass
    if status in TERMINAL:
        after.usage.CopyFrom(usage or no_usage())
        # The one terminal status that keeps it: it tells when the run expired.
        if status != EXPIRED:
            after.ClearField("expires_at")
    return after


def no_usage() -> usage_pb2.Usage:
    """Zeros in every field: a run that ended before the model said anything."""
    return usage_pb2.Usage(
        prompt_token_details=usage_pb2.PromptTokenDetails(),
        completion_tokens_details=usage_pb2.CompletionTokensDetails(),
    )


def add_usage(total: usage_pb2.Usage, more: usage_pb2.Usage) -> usage_pb2.Usage:
    return usage_pb2.Usage(
        prompt_tokens=total.prompt_tokens + more.prompt_tokens,
        completion_tokens=total.completion_tokens + more.completion_tokens,
        total_tokens=total.total_tokens + more.total_tokens,
        prompt_token_details=usage_pb2.PromptTokenDetails(
            cached_tokens=total.prompt_token_details.cached_tokens
            + more.prompt_token_details.cached_tokens
        ),
        completion_tokens_details=usage_pb2.CompletionTokensDetails(
            reasoning_tokens=total.completion_tokens_details.reasoning_tokens
            + more.completion_tokens_details.reasoning_tokens
        ),
    )


def total_usage(usages: Iterable[usage_pb2.Usage]) -> usage_pb2.Usage:
    return reduce(add_usage, usages, no_usage())
