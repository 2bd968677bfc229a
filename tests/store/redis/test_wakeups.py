from __future__ import annotations

import pytest

from tests.conformance.samples import THREAD, commit_of, put
from understudy_server.store.redis.keys import unpacked
from understudy_server.store.redis.wakeups import announcement


@pytest.mark.parametrize(("due", "told"), [(None, ""), (5, "due"), (7, "due"), (8, "")])
def test_only_what_is_due_already_calls_every_core(due: int | None, told: str) -> None:
    found = unpacked(announcement(commit_of(put("a", due=due)), 7))
    assert found == [told, *THREAD]
