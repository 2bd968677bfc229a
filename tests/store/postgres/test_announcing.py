"""What the cores tell each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.samples import SIBLING, THREAD, commit_of, put
from understudy_server.store.port import Partition
from understudy_server.store.postgres.announcing import LONGEST, Gathering, News, parse

_texts = st.text(st.characters(exclude_categories=["Cs"]))
_partitions = st.builds(Partition, _texts, _texts)


@given(st.lists(_partitions, max_size=20), st.booleans())
def test_everything_that_was_gathered_is_told(changed: list[Partition], due: bool) -> None:
    gathering = Gathering()
    for partition in changed:
        gathering.add(commit_of(put("a", due=1 if due else None), partition=partition), 1)
    news = [parse(message) for message in gathering.take()]
    assert [each for one in news for each in one.changed] == list(dict.fromkeys(changed))
    assert any(one.due for one in news) == (due and bool(changed))
    assert gathering.take() == []


def test_a_partition_is_told_once() -> None:
    gathering = Gathering()
    for n in range(9):
        gathering.add(commit_of(put("a"), partition=(THREAD, SIBLING)[n % 2]), 1)
    (message,) = gathering.take()
    assert parse(message) == News((THREAD, SIBLING), due=False)


@pytest.mark.parametrize(("due", "told"), [(None, False), (5, True), (7, True), (8, False)])
def test_only_what_is_due_already_calls_every_core(due: int | None, told: bool) -> None:
    gathering = Gathering()
    gathering.add(commit_of(put("a", due=due)), 7)
    (message,) = gathering.take()
    assert parse(message) == News((THREAD,), due=told)


def test_many_changes_are_several_messages() -> None:
    gathering = Gathering()
    names = [Partition("p", f"thread/{n}\0") for n in range(1_000)]
    for name in names:
        gathering.add(commit_of(put("a"), partition=name), 1)
    messages = gathering.take()
    assert all(len(message.encode()) <= LONGEST for message in messages)
    assert [each for message in messages for each in parse(message).changed] == names


def test_a_name_that_is_too_long_to_tell_wakes_everybody() -> None:
    gathering = Gathering()
    gathering.add(commit_of(put("a"), partition=Partition("p", "x" * LONGEST)), 1)
    (message,) = gathering.take()
    assert parse(message) == News((), due=False, all=True)


@pytest.mark.parametrize("message", ["", "x", "[]", "{}", '{"changed":[1],"due":0,"all":0}'])
def test_what_is_not_understood_wakes_everybody(message: str) -> None:
    assert parse(message) == News((), due=True, all=True)
