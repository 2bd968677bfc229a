"""Ids of OpenAI's shape."""

from __future__ import annotations

import re

from understudy_server.ids import RandomIds, derived

SHAPE = re.compile(r"thread_[0-9A-Za-z]{24}")


def test_new_ids_differ_and_have_the_shape() -> None:
    ids = {RandomIds().new("thread_") for _ in range(1000)}
    assert len(ids) == 1000
    assert all(SHAPE.fullmatch(id) for id in ids)


def test_derived_ids_follow_from_their_parts() -> None:
    assert SHAPE.fullmatch(derived("thread_", "a", "b"))
    assert derived("thread_", "a", "b") == derived("thread_", "a", "b")
    assert derived("thread_", "ab", "") != derived("thread_", "a", "b")
    assert derived("run_", "a")[4:] != derived("msg_", "a")[4:]
