from __future__ import annotations

from pathlib import Path

import pytest

from understudy_cli.commands import Serving, announce, core_lines
from understudy_cli.configuration import load


def test_the_password_of_the_store_is_not_announced(tmp_path: Path) -> None:
    store = "redis://me:secret@127.0.0.1:6379/0"
    told = dict(core_lines(load({"store": store}, {}, tmp_path)))
    assert told["store"] == "redis://me:***@127.0.0.1:6379/0"


def test_a_first_key_is_announced_last(capsys: pytest.CaptureFixture[str]) -> None:
    serving = Serving(grpc="off", first_key="sk-1", core_lines=[("store", "s")], url="http://h/v1")
    announce(serving.lines())
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["Understudy", "REST", "gRPC", "store", "key", "(made"]
    assert [name for name, _ in Serving(grpc="off", first_key=None, core_lines=[]).lines()] == [
        "gRPC"
    ]
