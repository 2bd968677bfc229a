"""A core that is killed, again and again, over a real store and a real folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.clock import FakeClock
from tests.server.files.crashing import content_of
from tests.server.files.world import DAY, Core
from understudy_server.blobs.folder import FolderBlobs
from understudy_server.errors import NotFound
from understudy_server.ids import RandomIds
from understudy_server.store import tables
from understudy_server.store.sqlite import SqliteStore

ROUNDS = 4
ROOT = Path(__file__).parents[3]


def killed_after(lines: int, database: Path, folder: Path, attempt: int) -> list[str]:
    """What a core said that was killed once it had said so many lines."""
    command = [sys.executable, "-m", "tests.server.files.crashing"]
    process = subprocess.Popen(
        [*command, str(database), str(folder), str(attempt)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        said = [process.stdout.readline().strip() for _ in range(lines)]
    finally:
        process.kill()
    rest, _ = process.communicate()
    # The last line may have been cut off.
    complete = rest[: rest.rfind("\n") + 1]
    return [*said, *complete.split("\n")]


@pytest.mark.timeout(600)
async def test_killed_at_any_moment(tmp_path: Path) -> None:
    random = Random("killed")
    database, folder = tmp_path / "store.db", tmp_path / "files"
    made: dict[str, tuple[int, int]] = {}
    doubtful: set[str] = set()
    deleted: set[str] = set()
    for attempt in range(ROUNDS):
        for line in killed_after(random.randint(2, 60), database, folder, attempt):
            match line.split():
                case ["made", id, seed, size]:
                    made[id] = (int(seed), int(size))
                case ["deleting", id]:
                    doubtful.add(id)
                case ["deleted", id]:
                    deleted.add(id)
    doubtful -= deleted
    assert made
    # Days later, by a clock that begins where the machine's is.
    clock = FakeClock(wall=_newest(database))
    store = await SqliteStore.open(database, clock)
    blobs = await FolderBlobs.open(folder)
    core = Core(store, blobs, clock, RandomIds(), limit=1, downloads=True)
    for _ in range(8):
        while await clock.run_until(core.attend()):
            pass
        await clock.advance(DAY / 2)
    for id, shape in made.items():
        if id in deleted or (id in doubtful and await _is_gone(core, id)):
            with pytest.raises(NotFound):
                await core.get(id)
        else:
            assert await core.read(id) == content_of(*shape)
    named: set[str] = set()
    place = tables.files_of("acme")
    for row in await tables.files.list(store, place, limit=10_000):
        named.update(piece.key for piece in row.body.pieces)
    kinds = {record.kind for record in await store.list(place, None, limit=10_000)}
    assert kinds <= {"file", "file-for/assistants", "upload"}
    assert _files(folder) == named
    await core.close()
    await blobs.close()
    await store.close()


async def _is_gone(core: Core, id: str) -> bool:
    try:
        await core.get(id)
    except NotFound:
        return True
    return False


def _newest(database: Path) -> int:
    """Microseconds: later than everything that is in the store."""
    return round((database.stat().st_mtime + 3_600) * 1_000_000)


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
