"""Files that come in parts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.e2e.covering import covers


def begin(client: Any, size: int, **options: Any) -> Any:
    given = {"filename": "grüße.txt", "purpose": "vision", "mime_type": "text/plain", **options}
    return client.uploads.create(bytes=size, **given)


@covers("uploads.create", "uploads.parts.create", "uploads.complete")
def test_parts_become_a_file(client: Any) -> None:
    upload = begin(client, 9)
    assert re.fullmatch(r"upload_[0-9A-Za-z]{24}", upload.id)
    assert upload.to_dict() == {
        "id": upload.id,
        "object": "upload",
        "bytes": 9,
        "created_at": upload.created_at,
        "filename": "grüße.txt",
        "purpose": "vision",
        "status": "pending",
        "expires_at": upload.created_at + 3600,
    }
    parts = [
        client.uploads.parts.create(upload.id, data=data) for data in (b"def", b"abc", b"g\r\n")
    ]
    assert parts[0].to_dict() == {
        "id": parts[0].id,
        "object": "upload.part",
        "created_at": parts[0].created_at,
        "upload_id": upload.id,
    }
    order = [parts[1].id, parts[0].id, parts[2].id]
    md5 = hashlib.md5(b"abcdefg\r\n", usedforsecurity=False).hexdigest()
    done = client.uploads.complete(upload.id, part_ids=order, md5=md5)
    assert (done.id, done.status, done.bytes) == (upload.id, "completed", 9)
    assert (done.file.filename, done.file.bytes, done.file.purpose) == ("grüße.txt", 9, "vision")
    assert client.files.retrieve(done.file.id) == done.file
    assert client.files.content(done.file.id).read() == b"abcdefg\r\n"


@covers("uploads.cancel")
def test_an_upload_that_is_given_up(client: Any) -> None:
    upload = begin(client, 3)
    part = client.uploads.parts.create(upload.id, data=b"abc")
    assert client.uploads.cancel(upload.id).status == "cancelled"
    calls: list[Callable[[], object]] = [
        lambda: client.uploads.parts.create(upload.id, data=b"abc"),
        lambda: client.uploads.complete(upload.id, part_ids=[part.id]),
        lambda: client.uploads.cancel(upload.id),
    ]
    for call in calls:
        with pytest.raises(openai.BadRequestError, match="'cancelled'"):
            call()


@covers("uploads.upload_file_chunked")
def test_a_file_in_chunks(client: Any, tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    given = {"mime_type": "text/plain", "purpose": "vision", "part_size": 100_000}
    by_path = client.uploads.upload_file_chunked(file=path, **given)
    in_memory = client.uploads.upload_file_chunked(
        file=content, filename="b.bin", bytes=len(content), **given
    )
    for upload, filename in ((by_path, "a.bin"), (in_memory, "b.bin")):
        assert (upload.status, upload.file.filename) == ("completed", filename)
        assert client.files.content(upload.file.id).read() == content


@covers("uploads.create", "uploads.complete", "uploads.parts.create")
def test_refused_uploads(client: Any) -> None:
    upload = begin(client, 3)
    part = client.uploads.parts.create(upload.id, data=b"abc")
    two = [part.id, client.uploads.parts.create(upload.id, data=b"d").id]
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: begin(client, 3, purpose="bad"), "Invalid value: 'bad'"),
        (lambda: begin(client, -1), "integer below minimum value"),
        (lambda: begin(client, 2**33 + 1), "integer above maximum value"),
        (lambda: client.uploads.complete(upload.id, part_ids=two), "bytes"),
        (lambda: client.uploads.complete(upload.id, part_ids=["part_x"]), "part_x"),
        (lambda: client.uploads.complete(upload.id, part_ids=[part.id], md5="0" * 32), "(?i)md5"),
    ]
    for call, words in refused:
        with pytest.raises((openai.BadRequestError, openai.NotFoundError), match=words):
            call()
    assert client.uploads.complete(upload.id, part_ids=[part.id]).status == "completed"
    calls: list[Callable[[], object]] = [
        lambda: client.uploads.parts.create("upload_absent", data=b"x"),
        lambda: client.uploads.complete("upload_absent", part_ids=["part_x"]),
        lambda: client.uploads.cancel("upload_absent"),
    ]
    for call in calls:
        with pytest.raises(openai.NotFoundError, match="No upload found with id 'upload_absent'"):
            call()
