"""What is said of the place of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.blobs.s3 import s3_server
from understudy_cli.configuration import load
from understudy_cli.doctor import files
from understudy_cli.doctor.finding import Finding


async def examined(data: Path, **environment: str) -> Finding:
    variables = {f"UNDERSTUDY_{name.upper()}": value for name, value in environment.items()}
    configuration = load({}, {"UNDERSTUDY_DATA": str(data), **variables}, data)
    return await files.examine(configuration.core)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_a_folder(tmp_path: Path) -> None:
    found = await examined(tmp_path)
    assert (found.level, found.what) == ("ok", "files")
    assert f"{tmp_path}/files will be made at the first start" in found.words
    assert names(tmp_path) == []
    (tmp_path / "files").mkdir()
    found = await examined(tmp_path)
    assert "files is writable" in found.words
    assert names(tmp_path / "files") == []
    (tmp_path / "file").touch()
    found = await examined(tmp_path, files=str(tmp_path / "file" / "below"))
    assert found.level == "FAIL"
    assert "UNDERSTUDY_FILES" in found.words


@pytest.mark.parametrize(
    "store",
    ["redis://127.0.0.1/0", "postgresql://h/d", "cosmos://h/d", "redis+cluster://127.0.0.1:7000"],
)
async def test_a_folder_beside_a_store_that_machines_share(tmp_path: Path, store: str) -> None:
    found = await examined(tmp_path, store=store)
    assert found.level == "warn"
    assert "cores on other machines do not see these files" in found.words


async def test_files_in_memory(tmp_path: Path) -> None:
    assert (await examined(tmp_path, files="memory:")).level == "warn"
    # Records that are forgotten leave no files behind.
    found = await examined(tmp_path, store="memory://")
    assert (found.level, found.words[:7]) == ("warn", "memory:")
    assert (await examined(tmp_path, store="memory://", files=str(tmp_path))).level == "ok"


async def test_an_object_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        bucket = server.make_bucket()
        found = await examined(tmp_path, files=f"s3://{bucket}/some", store="redis://127.0.0.1/0")
        assert (found.level, "takes files" in found.words) == ("ok", True)
        assert server.remains(bucket) == []
        found = await examined(tmp_path, files=f"s3://{bucket}-other")
        assert (found.level, "there is no such bucket" in found.words) == ("FAIL", True)


async def test_a_place_that_is_none(tmp_path: Path) -> None:
    found = await examined(tmp_path, files="ftp://host/files")
    assert found.level == "FAIL"
    assert "s3://" in found.words
