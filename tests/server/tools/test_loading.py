"""Modules of functions, and what a mistake in one is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from understudy_server.clock import SystemClock
from understudy_server.tools.loading import load_functions
from understudy_server.tools.port import Functions
from understudy_server.tools.schema import InvalidFunction

HEAD = "from understudy_server.tools import function\n"


class Folder:
    """A working folder. ``name`` is a module of it that no other test has."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = f"functions_{uuid4().hex}"

    def load(self, source: str, name: str = "") -> Functions:
        (self.path / f"{self.name}.py").write_text(source)
        return load_functions(name or self.name, self.path, clock=SystemClock())


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    path = list(sys.path)
    yield Folder(tmp_path)
    sys.path[:] = path


def test_marked_functions_are_offered_in_their_order(folder: Folder) -> None:
    offered = folder.load(
        HEAD + "@function\ndef b(x: int): ...\n"
        "@function(name='renamed')\nasync def a(): ...\n"
        "def other(): ...\n"
        "@function\ndef _private(): ...\n"
        "alias = b\n"
    )
    assert [each.name for each in offered.definitions()] == ["b", "renamed"]


def test_a_list_decides_alone(folder: Folder) -> None:
    source = HEAD + "def a(): ...\n@function\ndef b(): ...\nfunctions = [a]\n"
    assert folder.load(source).names() == {"a"}


def test_hints_may_be_texts(folder: Folder) -> None:
    source = "from __future__ import annotations\n" + HEAD + "@function\ndef a(x: int): ...\n"
    assert b'"integer"' in folder.load(source).definitions()[0].parameters


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", r"offers no function: mark some with @understudy_server\.tools\.function"),
        ("functions = [1]", r"functions: 1 is no function"),
        ("x = 1 / 0", r"failed: ZeroDivisionError: division by zero \(.*\.py, line 1\)"),
        ("import no_such_module", "failed: ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(1)", "failed: SystemExit: 1"),
        ("def (:", r"failed: invalid syntax \(.*\.py, line 1\)"),
        (HEAD + "@function\ndef a(x): ...", r"function .*\.a: parameter 'x' has no type hint"),
    ],
)
def test_a_mistake_is_told(folder: Folder, source: str, message: str) -> None:
    with pytest.raises(InvalidFunction, match=message):
        folder.load(source)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module", "there is no module no_such_module in "),
        ("no_such.module", "there is no module no_such in "),
        ("shop.py", r"'shop\.py' is no name of a module"),
        ("./shop", "is no name of a module"),
    ],
)
def test_a_module_that_is_not_there(folder: Folder, name: str, message: str) -> None:
    with pytest.raises(InvalidFunction, match=message):
        folder.load("", name)
