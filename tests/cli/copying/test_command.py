"""The command: what it says, and the status with which it ends."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.conformance.samples import put, write
from tests.store.copying.content import converse, snapshot
from understudy_cli.configuration import load
from understudy_cli.copying import command, run
from understudy_cli.doctor.storage import Stored, examine
from understudy_cli.main import parser
from understudy_server.clock import SystemClock
from understudy_server.config import CoreConfig
from understudy_server.errors import StoreUnavailable
from understudy_server.local import local
from understudy_server.store.copying import marker
from understudy_server.store.file_lock import FileLock
from understudy_server.store.opener import parse_sqlite
from understudy_server.store.port import Partition
from understudy_server.store.sqlite import SqliteStore

OLD, NEW = "sqlite:///old.db", "sqlite:///new.db"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _with(name: str, work: Callable[[SqliteStore], Awaitable[object]]) -> object:
    async def use() -> object:
        store = await SqliteStore.open(Path(name), SystemClock())
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(use())


def _copy(source: str, target: str, *, force: bool = False) -> int:
    return run(source, target, force=force, environment={}, folder=Path.cwd())


def _converse(store: SqliteStore) -> Awaitable[object]:
    return converse(store, SystemClock())


async def _half(store: SqliteStore) -> None:
    noted = marker.Marker(origin=f"sqlite:///{os.getcwd()}/old.db", began=1)  # noqa: PTH109  # no I/O here
    await write(store, noted.put(None), partition=marker.PARTITION)
    await write(store, put("a"), partition=Partition("p", "surplus"))


def test_a_copy(capsys: pytest.CaptureFixture[str]) -> None:
    _with("old.db", _converse)
    assert _copy(OLD, NEW) == 0
    said = capsys.readouterr()
    assert said.err.startswith("copying sqlite:////")
    assert "\ncopied and verified: 6 partitions, " in f"\n{said.out}"
    assert "earlier start" not in said.out
    assert _with("old.db", snapshot) == _with("new.db", snapshot)
    assert _copy(OLD, NEW) == 2
    assert "the target is not empty" in capsys.readouterr().err


def test_an_unfinished_copy_serves_nobody_and_is_continued(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _with("old.db", _converse)
    _with("new.db", _half)

    async def serve() -> None:
        async with local(store=NEW, config=CoreConfig()):
            pass

    with pytest.raises(StoreUnavailable, match="holds an unfinished copy of sqlite:////"):
        asyncio.run(serve())
    (found,) = asyncio.run(_examined(NEW)).findings
    assert found.level == "FAIL"
    assert "finish it by giving the same `understudy copy` command again" in found.words
    assert _copy(OLD, NEW) == 0
    assert "(0 were there from an earlier start)" in capsys.readouterr().out
    assert _with("old.db", snapshot) == _with("new.db", snapshot)
    asyncio.run(serve())


async def _examined(store: str) -> Stored:
    return await examine(load({"store": store}, {}, Path.cwd()), SystemClock())


def test_a_file_in_use_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    _with("old.db", _converse)

    for url, shared in ((OLD, False), (OLD, True), (NEW, False)):
        with _served(url, shared=shared):
            assert _copy(OLD, NEW) == 2
        which = "source" if url == OLD else "target"
        words = f"{which}: .* is in use by a server: stop it{', or' if url == OLD else '$'}"
        assert re.search(words, capsys.readouterr().err)
    with _served(OLD, shared=False):
        assert _copy(OLD, NEW, force=True) == 0


@contextmanager
def _served(url: str, *, shared: bool) -> Iterator[None]:
    path = parse_sqlite(url).path
    lock = FileLock(path.with_name(f"{path.name}.lock"), protects=path, shared=shared)
    try:
        yield
    finally:
        lock.release()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((OLD, OLD), "FROM_URL and TO_URL are the same store"),
        (("sqlite:///none.db", NEW), "there is no file"),
        ((OLD, "nothing"), "target: the store URL 'nothing' must begin with one of"),
        (("sqlite:///empty.db", NEW), "the source is empty"),
    ],
)
def test_mistakes(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, str], words: str
) -> None:
    _with("old.db", _converse)
    _with("empty.db", lambda store: store.ping())
    capsys.readouterr()
    assert _copy(*arguments) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.out == ""
    assert not Path("none.db").exists()


def test_a_file_of_a_newer_release_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    _with("old.db", _converse)
    with closing(sqlite3.connect("old.db")) as connection:
        connection.execute("PRAGMA user_version = 999")
    assert _copy(OLD, NEW) == 1
    said = capsys.readouterr().err
    assert "source: " in said
    assert "format 999, written by a newer release" in said
    assert "again" not in said


def test_ctrl_c() -> None:
    _with("old.db", _converse)
    _with("new.db", lambda store: store.ping())
    with closing(sqlite3.connect("new.db", isolation_level=None)) as connection:
        # Until this ends nobody else can write, so the copy does not end by itself.
        connection.execute("BEGIN IMMEDIATE")
        program = Path(sys.executable).with_name("understudy")
        process = subprocess.Popen([program, "copy", OLD, NEW], stderr=subprocess.PIPE, text=True)
        with process:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("copying ")
            process.send_signal(signal.SIGINT)
            assert process.stderr.readline() == "stopping\n"
            connection.execute("ROLLBACK")
            said = process.stderr.read()
    assert process.returncode == command.INTERRUPTED
    assert "interrupted: give the same command again" in said


def test_the_arguments() -> None:
    parsed = parser().parse_args(["copy", "--force", OLD, NEW])
    assert (parsed.source, parsed.target, parsed.force) == (OLD, NEW, True)
    assert not parser().parse_args(["copy", OLD, NEW]).force
