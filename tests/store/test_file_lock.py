"""Who may lock beside whom, and what the one who may not is told."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from understudy_server.errors import StoreUnavailable
from understudy_server.store import file_lock
from understudy_server.store.file_lock import FileLock


def _lock(folder: Path, *, shared: bool) -> FileLock:
    return FileLock(folder / "store.db.lock", protects=folder / "store.db", shared=shared)


@pytest.mark.parametrize(
    ("held", "wanted", "told"),
    [
        (False, False, "put ?shared=true at the end of the store URL of both"),
        (False, True, "does not share it: stop that one, or put ?shared=true"),
        (True, False, "by servers that share it: stop them, or let this one share it too"),
    ],
    ids=["two exclusive", "shared beside exclusive", "exclusive beside shared"],
)
def test_a_refusal_names_the_file_and_says_what_to_do(
    tmp_path: Path, held: bool, wanted: bool, told: str
) -> None:
    holder = _lock(tmp_path, shared=held)
    with pytest.raises(StoreUnavailable) as caught:
        _lock(tmp_path, shared=wanted)
    assert f"{tmp_path}/store.db is in use by " in caught.value.message
    assert told in caught.value.message
    assert (f"process {os.getpid()}" in caught.value.message) is not held
    holder.release()
    _lock(tmp_path, shared=wanted).release()


def test_shared_locks_stand_beside_each_other_to_the_last(tmp_path: Path) -> None:
    locks = [_lock(tmp_path, shared=True) for _ in range(3)]
    for lock in locks:
        with pytest.raises(StoreUnavailable):
            _lock(tmp_path, shared=False)
        lock.release()
    _lock(tmp_path, shared=False).release()


def test_its_file_is_private_and_stays(tmp_path: Path) -> None:
    _lock(tmp_path, shared=True).release()
    assert stat.S_IMODE((tmp_path / "store.db.lock").stat().st_mode) == 0o600


def test_waiting_for_a_lock_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_lock, "_TRIES", 2)
    path = tmp_path / "store.db.opening"
    with path.open("w") as first, path.open("w") as second:
        file_lock.wait_for_lock(first.fileno(), protects=tmp_path / "store.db")
        with pytest.raises(StoreUnavailable, match=r"store\.db is still being opened"):
            file_lock.wait_for_lock(second.fileno(), protects=tmp_path / "store.db")
        first.close()
        file_lock.wait_for_lock(second.fileno(), protects=tmp_path / "store.db")
