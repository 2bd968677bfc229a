"""Servers that are killed, stopped and ended under load, and stores that go away, with OpenAI's SDK before them.

``UNDERSTUDY_CHAOS_ROUNDS`` says with how many seeds each test is played, ``UNDERSTUDY_CHAOS_SEED`` with which,
``UNDERSTUDY_CHAOS_TIMES`` how often each fault comes in a round; `make chaos` plays more than `make test`.
"""

from __future__ import annotations

from pathlib import Path
from signal import SIGKILL, SIGSTOP, SIGTERM

import pytest

from tests.e2e.chaos.cluster import EVER, ONE_CORE, SERVE, THREE_CORES, TWO_CORES, Layout
from tests.e2e.chaos.faults import in_turn, on_all_sides, rolling_restart
from tests.e2e.chaos.play import SEEDS, TIMES, play
from tests.e2e.chaos.stores import BACKENDS
from tests.upstream.threaded import ThreadedUpstream

pytestmark = [pytest.mark.timeout(1800), pytest.mark.parametrize("seed", SEEDS)]


async def test_with_a_second_core_the_sdk_notices_nothing(
    seed: str, tmp_path: Path, upstream: ThreadedUpstream
) -> None:
    trouble = in_turn([SIGKILL, SIGSTOP, SIGTERM, SIGKILL] * TIMES)
    await play(TWO_CORES, seed, tmp_path, upstream, trouble=trouble)


async def test_behind_an_edge_a_client_goes_on_by_its_last_event(
    seed: str, tmp_path: Path, upstream: ThreadedUpstream
) -> None:
    trouble = in_turn([SIGKILL, SIGSTOP, SIGTERM] * TIMES)
    await play(ONE_CORE, seed, tmp_path, upstream, trouble=trouble)


async def test_in_one_process_a_client_goes_on_by_its_last_event(
    seed: str, tmp_path: Path, upstream: ThreadedUpstream
) -> None:
    trouble = in_turn([SIGKILL, SIGSTOP, SIGTERM] * TIMES)
    await play(SERVE, seed, tmp_path, upstream, trouble=trouble)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_nothing_is_lost_when_cores_and_their_store_go_away(
    backend: str, seed: str, tmp_path: Path, upstream: ThreadedUpstream
) -> None:
    with BACKENDS[backend](tmp_path) as store:
        trouble = on_all_sides(store, TIMES)
        await play(THREE_CORES, seed, tmp_path, upstream, trouble=trouble, store=store.url)


async def test_a_rolling_restart_fails_no_run_and_breaks_no_stream(
    seed: str, tmp_path: Path, upstream: ThreadedUpstream
) -> None:
    # Runs are handed over, so that no lease has to end first.
    layout = Layout(name="rolling restart", cores=3, edges=(EVER, EVER), lease=60)
    with BACKENDS["redis"](tmp_path) as store:
        seen = await play(
            layout, seed, tmp_path, upstream, trouble=rolling_restart, store=store.url
        )
    assert not seen["failed"]
