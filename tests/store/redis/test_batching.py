"""Which of the commands that travel together fail together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from redis import exceptions

from understudy_server.errors import OutcomeUnknown, Unsent
from understudy_server.store.redis.batching import Batches
from understudy_server.store.redis.scripts import COMMIT, Command


class _Line:
    """A pipeline whose answers, or whose failure, are known beforehand."""

    def __init__(self, outcome: list[Any] | Exception) -> None:
        self._outcome = outcome

    def execute_command(self, *args: Any) -> None:
        pass

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


@pytest.mark.parametrize(
    ("failure", "meaning"),
    [(ConnectionRefusedError(), Unsent), (exceptions.ConnectionError("lost"), OutcomeUnknown)],
)
async def test_a_script_that_cannot_be_sent_again_takes_no_other_answer_with_it(
    failure: Exception, meaning: type[Exception]
) -> None:
    outcomes: Iterator[Any] = iter([[1, exceptions.NoScriptError("NOSCRIPT")], failure])
    batches = Batches(lambda: _Line(next(outcomes)), timeout=60)
    call: Command = COMMIT.call("key")
    answers = await asyncio.gather(batches.ask(call), batches.ask(call), return_exceptions=True)
    done, lost = answers
    assert done == 1
    assert isinstance(lost, meaning)
    await batches.drain()


async def test_a_failure_of_the_client_itself_leaves_nobody_waiting() -> None:
    stumble = AttributeError("'NoneType' object has no attribute 'write'")
    outcomes: Iterator[Any] = iter([stumble, [1]])
    batches = Batches(lambda: _Line(next(outcomes)), timeout=60)
    with pytest.raises(OutcomeUnknown):
        await batches.ask(COMMIT.call("key"))
    assert await batches.ask(COMMIT.call("key")) == 1
