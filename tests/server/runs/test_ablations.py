"""Tests of the test: a history breaks when a rule is taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.server.runs.history import play
from tests.store.hostile import Rates
from understudy_server import idempotency
from understudy_server.rpc import messages, runs
from understudy_server.runs import ending, machine, tail

SEEDS = range(40)


def _no_contiguity(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tail.Tail, "_continues", lambda _self, _event: True)


def _no_closing(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_args: object) -> ending.Remains:
        return ending.Remains(message=None, steps=[], used=machine.no_usage())

    patch.setattr(ending, "remains", nothing)


def _new_ids(patch: pytest.MonkeyPatch) -> None:
    def identify(ids: Any, prefix: Any, **fields: Any) -> Any:
        return idempotency.identify(ids, prefix, **{**fields, "key": None})

    patch.setattr(messages, "identify", identify)
    patch.setattr(runs, "identify", identify)


@pytest.mark.parametrize("ablate", [_no_contiguity, _no_closing, _new_ids])
async def test_without_this_rule_a_history_breaks(
    ablate: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ablate(monkeypatch)
    for seed in SEEDS:
        if await play(seed, Rates()):
            return
    pytest.fail("every history held")
