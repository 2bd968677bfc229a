"""Blobs in a folder pass the suite, are for their owner alone, and survive whoever writes them."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conformance.blobs import BlobConformance, Remains, is_missing, kept, pieces
from understudy_server.blobs.folder import FolderBlobs
from understudy_server.blobs.port import Blobs
from understudy_server.errors import BlobsUnavailable

MB = 1024 * 1024


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "files"


@pytest.fixture
async def blobs(root: Path) -> AsyncIterator[Blobs]:
    blobs = await FolderBlobs.open(root)
    yield blobs
    await blobs.close()


@pytest.fixture
def remains(root: Path) -> Remains:
    async def remains() -> list[str]:
        return files(root)

    return remains


class TestFolderBlobs(BlobConformance):
    @pytest.fixture
    def spare(self) -> int:
        return 32 * MB


async def test_everything_is_for_the_owner_alone(root: Path, blobs: Blobs) -> None:
    before = os.umask(0)
    try:
        other = await FolderBlobs.open(root.parent / "others")
        await other.write("project/blob", pieces(b"x"))
        await other.close()
    finally:
        os.umask(before)
    await blobs.write("project/blob", pieces(b"x"))
    for place in (root, root.parent / "others"):
        for path in [place, *place.rglob("*")]:
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode == (0o700 if path.is_dir() else 0o600), path


async def test_blobs_are_there_when_the_folder_is_opened_again(root: Path, blobs: Blobs) -> None:
    await blobs.write("project/blob", pieces(b"x"))
    again = await FolderBlobs.open(root)
    assert await kept(again, "project/blob") == b"x"
    await again.close()


async def test_what_was_begun_goes_with_its_key(root: Path, blobs: Blobs) -> None:
    await blobs.write("project/other", pieces(b"x"))
    left = root / ".begun" / "project.blob.0123456789abcdef"
    other = root / ".begun" / "project.blob2.0123456789abcdef"
    for path in (left, other):
        path.write_bytes(b"half")
    await blobs.delete("project/blob")
    assert not left.exists()
    assert other.exists()


async def test_what_was_begun_long_ago_goes_when_the_folder_is_opened(
    root: Path, blobs: Blobs
) -> None:
    old, young = (root / ".begun" / f"project.{name}.0" for name in ("old", "young"))
    for path in (old, young):
        path.write_bytes(b"half")
    day_before = young.stat().st_mtime - 24 * 3600 - 60
    os.utime(old, (day_before, day_before))
    await (await FolderBlobs.open(root)).close()
    assert files(root) == [".begun/project.young.0"]


async def test_no_file_stays_open(root: Path, blobs: Blobs) -> None:
    await blobs.write("project/blob", pieces(bytes(MB)))
    before = _open_files(root)
    for moment in range(60):
        for work in (blobs.write("project/other", pieces(bytes(MB))), kept(blobs, "project/blob")):
            task = asyncio.ensure_future(work)
            for _ in range(moment % 20):
                await asyncio.sleep(0.0002 * (moment % 3))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert _open_files(root) == before == 0


def _open_files(root: Path) -> int:
    """Linux tells."""
    names = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            names.append(str(link.readlink()))
    return sum(name.startswith(str(root)) for name in names)


async def test_a_link_is_no_blob(root: Path, blobs: Blobs, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    await blobs.write("project/blob", pieces(b"x"))
    (root / "project" / "link").symlink_to(secret)
    with pytest.raises(BlobsUnavailable):
        await kept(blobs, "project/link")


async def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BlobsUnavailable):
        await FolderBlobs.open(tmp_path / "file")
    with pytest.raises(BlobsUnavailable):
        await FolderBlobs.open(tmp_path / "file" / "below")


async def test_a_folder_that_went_away(root: Path, blobs: Blobs) -> None:
    await blobs.write("project/blob", pieces(b"x"))
    (root / "project" / "blob").unlink()
    assert await is_missing(blobs, "project/blob")
    (root / "project").rmdir()
    (root / ".begun").rmdir()
    with pytest.raises(BlobsUnavailable):
        await blobs.write("project/blob", pieces(b"x"))
    with pytest.raises(BlobsUnavailable):
        await blobs.ping()
