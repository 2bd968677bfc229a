"""On disk before the answer: shown by the system calls, and by the disk that a power cut leaves."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from random import Random

import pytest

from tests.store.syscalls import Call, compile_recorder, run_recorded
from understudy_server.clock import SystemClock
from understudy_server.store.port import Partition
from understudy_server.store.sqlite import SqliteStore

PROGRAM = Path(__file__).with_name("acknowledging.py")


def _record(folder: Path, commits: int, writers: int) -> list[Call]:
    library = compile_recorder(folder)
    _, calls = run_recorded(
        library,
        PROGRAM,
        str(folder / "store.db"),
        str(commits),
        str(writers),
        log=folder / "calls.log",
        fault=folder / "fault",
    )
    return calls


def _marks(calls: list[Call]) -> list[str]:
    return [call.path for call in calls if call.name == "mark" and call.path.startswith("token")]


def _written_part(calls: list[Call]) -> list[Call]:
    """From the opened store to the last acknowledgement."""
    marks = [call.path if call.name == "mark" else "" for call in calls]
    return calls[marks.index("opened") : marks.index("written")]


@pytest.mark.parametrize("writers", [1, 8])
def test_each_acknowledged_commit_was_synced_before(tmp_path: Path, writers: int) -> None:
    calls = _record(tmp_path, 64, writers)
    assert len(_marks(calls)) == 64
    for at, call in enumerate(calls):
        if call.name != "mark" or not call.path.startswith("token"):
            continue
        token = call.path.encode()
        written = [
            i
            for i, earlier in enumerate(calls[:at])
            if earlier.path.endswith("-wal") and token in earlier.data
        ]
        assert written, call.path
        syncs = [
            earlier
            for earlier in calls[written[0] : at]
            if earlier.name == "fsync" and earlier.path.endswith("-wal") and earlier.result == 0
        ]
        assert syncs, call.path


def test_many_commits_share_a_sync(tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    counts = []
    for folder, writers in ((alone, 1), (together, 50)):
        folder.mkdir()
        calls = _written_part(_record(folder, 100, writers))
        counts.append(
            sum(call.name == "fsync" and call.path.endswith("-wal") for call in calls),
        )
    assert counts[0] >= 100
    assert counts[1] <= 50


@pytest.mark.parametrize("survivors", ["none", "some"])
async def test_a_power_cut_loses_nothing_acknowledged(tmp_path: Path, survivors: str) -> None:
    """What was not synced is lost, or (as disks do) lost in part, in any order."""
    calls = _record(tmp_path, 160, 16)
    random = Random(7)
    ends = [at for at, call in enumerate(calls) if call.path.startswith("token")]
    for number, at in enumerate(random.sample(ends, 8)):
        # The cut comes a few calls after an acknowledgement, often in the middle of a commit.
        end = at + 1 + random.randrange(4)
        acknowledged = set(_marks(calls[:end]))
        folder = tmp_path / f"cut-{number}"
        folder.mkdir()
        share = 0.5 if survivors == "some" else 0.0
        for name, content in _disk(calls[:end], random, share).items():
            (folder / name).write_bytes(content)
        store = await SqliteStore.open(folder / "store.db", SystemClock())
        found: set[str] = set()
        for writer in range(16):
            thread = Partition("proj_1", f"thread/thread_{writer}")
            found |= {record.id for record in await store.list(thread, "message", limit=999)}
        await store.close()
        assert acknowledged <= found
        connection = sqlite3.connect(folder / "store.db")
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()


def _disk(calls: list[Call], random: Random, share: float) -> dict[str, bytes]:
    """The database and its log after a power cut: synced writes, and a share of the others."""
    files: dict[str, bytearray] = {}
    pending: dict[str, list[Call]] = {}
    for call in calls:
        name = Path(call.path).name
        if name not in {"store.db", "store.db-wal"} or call.result < 0:
            continue
        if call.name == "fsync":
            for write in pending.pop(name, []):
                _apply(files.setdefault(name, bytearray()), write)
        else:
            pending.setdefault(name, []).append(call)
    for name, writes in pending.items():
        for write in writes:
            if random.random() < share:
                _apply(files.setdefault(name, bytearray()), write)
    return {name: bytes(content) for name, content in files.items()}


def _apply(content: bytearray, call: Call) -> None:
    end = call.offset + len(call.data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if call.name == "ftruncate":
        del content[call.offset :]
    else:
        content[call.offset : end] = call.data
