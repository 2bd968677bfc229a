"""What goes over the link between parent and worker."""

from __future__ import annotations

import pytest

from understudy_cli.workers.process import Orders, Ready, WorkerFailed


def test_orders_come_through() -> None:
    orders = Orders(flags={"port": "0", "config": None}, listeners=[7, 8])
    assert orders.line().count(b"\n") == 1
    assert Orders.parse(orders.line()) == orders


def test_what_a_worker_tells_comes_through() -> None:
    lines = [("store", "sqlite:///a.db"), ("tools", "one\ntwo")]
    ready = Ready(grpc="unix:/a", first_key=None, lines=lines)
    assert ready.line().count(b"\n") == 1
    assert Ready.parse(ready.line()) == ready


@pytest.mark.parametrize(("status", "how"), [(2, "with status 2"), (-9, "by SIGKILL")])
def test_an_end_before_the_beginning_is_told(status: int, how: str) -> None:
    assert str(WorkerFailed(1, status)) == f"worker 1 ended {how} before it served"
