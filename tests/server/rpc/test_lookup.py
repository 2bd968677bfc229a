"""Ids that are not there: not found, or not even ids."""

from __future__ import annotations

from typing import Any

import pytest

from understudy_server.errors import InvalidRequest, NotFound
from understudy_server.rpc import lookup


@pytest.mark.parametrize(
    ("kind", "id", "words"),
    [
        (lookup.ASSISTANT, "asst_x", "No assistant found with id 'asst_x'."),
        (lookup.THREAD, "thread_x", "No thread found with id 'thread_x'."),
        (lookup.MESSAGE, "msg_x", "No message found with id 'msg_x'."),
        (lookup.RUN, "run_x", "No run found with id 'run_x'."),
        (lookup.STEP, "step_x", "No run step found with id 'step_x'."),
    ],
)
def test_not_found(kind: Any, id: Any, words: Any) -> None:
    error = lookup.missing(kind, id)
    assert isinstance(error, NotFound)
    assert error.message == words


def test_what_is_no_id_is_a_mistake_in_the_request() -> None:
    error = lookup.missing(lookup.THREAD, "x" * 1000)
    assert isinstance(error, InvalidRequest)
    assert error.param == "thread_id"
    assert len(error.message) < 400
    elsewhere = lookup.missing(lookup.RUN, "x", "after")
    assert elsewhere.param == "after"
