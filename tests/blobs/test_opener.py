"""Which setting means which place."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.blobs.s3 import S3Server
from understudy_server.blobs.folder import FolderBlobs
from understudy_server.blobs.memory import MemoryBlobs
from understudy_server.blobs.objects import ObjectBlobs
from understudy_server.blobs.opener import InvalidPlace, is_folder, open_blobs
from understudy_server.errors import BlobsUnavailable


@pytest.mark.parametrize("place", ["memory:", "memory://"])
async def test_memory(place: str) -> None:
    assert isinstance(await open_blobs(place), MemoryBlobs)
    assert not is_folder(place)


async def test_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for place in (f"{tmp_path}/absolute", "relative/below", "~/mine", "with:colon"):
        assert is_folder(place)
        blobs = await open_blobs(place)
        assert isinstance(blobs, FolderBlobs)
        await blobs.close()
    for made in ("absolute", "relative/below", "home/mine", "with:colon"):
        assert (tmp_path / made).is_dir()


async def test_an_object_store(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    assert isinstance(await open_blobs(f"s3://{s3.make_bucket()}/prefix"), ObjectBlobs)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("", "a folder, the URL of an object store, or memory:"),
        ("ftp://host/files", "give a folder, s3://, gs://, az:// or memory:"),
        ("s3://", "expected s3://BUCKET"),
    ],
)
async def test_a_place_that_is_none(place: str, words: str) -> None:
    with pytest.raises(InvalidPlace, match=words):
        await open_blobs(place)


async def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "understudy_server.blobs.objects", raising=False)
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(InvalidPlace, match=r"pip install 'understudy\[object-store\]'"):
        await open_blobs("s3://bucket")


@pytest.mark.parametrize("place", ["gs://bucket/some", "az://container/some"])
async def test_stores_that_are_not_reached(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody listens there; what is asked is answered at once.
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0LWtleQ==")
    monkeypatch.setenv("AZURE_ALLOW_HTTP", "true")
    monkeypatch.setenv("AZURE_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv(
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        '{"gcs_base_url": "http://127.0.0.1:1", '
        '"disable_oauth": true, "client_email": "", "private_key": "", "private_key_id": ""}',
    )
    with pytest.raises(BlobsUnavailable) as caught:
        await open_blobs(place)
    assert "c2VjcmV0" not in str(caught.value)
