"""Files, as the SDK sends, lists, reads and deletes them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.e2e.conftest import Clients
from tests.e2e.covering import covers


@covers("files.create", "files.retrieve", "files.content", "files.delete")
def test_the_life_of_a_file(client: Any) -> None:
    made = client.files.create(file=("grüße 文件.txt", b"hello"), purpose="user_data")
    assert re.fullmatch(r"file-[0-9A-Za-z]{24}", made.id)
    assert made.to_dict() == {
        "id": made.id,
        "object": "file",
        "bytes": 5,
        "created_at": made.created_at,
        "expires_at": None,
        "filename": "grüße 文件.txt",
        "purpose": "user_data",
        "status": "processed",
        "status_details": None,
    }
    assert client.files.retrieve(made.id) == made
    assert client.files.content(made.id).read() == b"hello"
    deleted = client.files.delete(made.id)
    assert deleted.to_dict() == {"id": made.id, "object": "file", "deleted": True}
    calls: list[Callable[[], object]] = [
        lambda: client.files.retrieve(made.id),
        lambda: client.files.content(made.id),
        lambda: client.files.delete(made.id),
    ]
    for call in calls:
        with pytest.raises(openai.NotFoundError, match=f"No such File object: {made.id}") as error:
            call()
        assert (error.value.param, error.value.code) == ("id", None)


@covers("files.create")
def test_everything_that_the_sdk_takes_for_a_file(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "plain name.md"
    path.write_bytes(b"from a path")
    with path.open("rb") as opened:
        taken: list[tuple[Any, str, bytes]] = [
            (b"bare bytes", "upload", b"bare bytes"),
            (path, "plain name.md", b"from a path"),
            (opened, "plain name.md", b"from a path"),
            (("a.txt", io.BytesIO(b"from memory")), "a.txt", b"from memory"),
            (("a.png", b"not really", "image/png"), "a.png", b"not really"),
            (('q"u\\o%te.txt', b"x"), 'q"u\\o%te.txt', b"x"),
            (("dir/sub.txt", b"x"), "dir/sub.txt", b"x"),
            (("binary", bytes(range(256)) * 3), "binary", bytes(range(256)) * 3),
            (("lines", b"\r\n--\r\n\r\n"), "lines", b"\r\n--\r\n\r\n"),
        ]
        for file, filename, content in taken:
            made = client.files.create(file=file, purpose="vision")
            assert (made.filename, made.bytes) == (filename, len(content))
            assert client.files.content(made.id).read() == content


@covers("files.create", "files.retrieve")
def test_a_file_may_expire(client: Any) -> None:
    made = client.files.create(
        file=b"x", purpose="assistants", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert made.expires_at == made.created_at + 3600
    assert client.files.retrieve(made.id).expires_at == made.expires_at


@covers("files.list")
def test_pages_of_files(clients: Clients) -> None:
    other = clients.open(key=clients.site.deployment.other_key)
    made = [
        other.files.create(file=(f"{n}.txt", b"x"), purpose=("vision", "batch")[n % 2])
        for n in range(5)
    ]
    ours = {file.id for file in made}

    def listed(**options: Any) -> list[int]:
        ids = [file.id for file in other.files.list(**options)]
        return [int(other.files.retrieve(id).filename[0]) for id in ids if id in ours]

    assert listed() == [4, 3, 2, 1, 0]
    assert listed(limit=2) == [4, 3, 2, 1, 0]
    assert listed(order="asc", limit=2, after=made[1].id) == [2, 3, 4]
    assert listed(purpose="vision") == [4, 2, 0]
    assert listed(purpose="batch", limit=1) == [3, 1]
    page = other.files.list(limit=2, order="asc")
    assert (len(page.data), page.has_more) == (2, True)
    assert page.to_dict()["last_id"] == page.data[-1].id
    assert other.files.list(purpose="evals").data == []


@covers("files.retrieve_content", "files.wait_for_processing")
def test_older_helpers(client: Any) -> None:
    made = client.files.create(file=("a.txt", "grüße".encode()), purpose="vision")
    with pytest.warns(DeprecationWarning, match="content"):
        assert client.files.retrieve_content(made.id) == "grüße"
    assert client.files.wait_for_processing(made.id, poll_interval=0.01) == made


@covers("files.create")
def test_refused_files(client: Any) -> None:
    create = client.files.create
    refused: list[tuple[Callable[[], object], str, str | None]] = [
        (lambda: create(file=b"", purpose="assistants"), "empty", "file"),
        (
            lambda: create(file=b"x", purpose="world_domination"),
            "'world_domination' is not one of",
            "purpose",
        ),
        (
            lambda: create(
                file=b"x",
                purpose="batch",
                expires_after={"anchor": "created_at", "seconds": 3},
            ),
            "integer below minimum value",
            "expires_after.seconds",
        ),
        (
            lambda: create(file=b"x", purpose="batch", extra_body={"colour": "red"}),
            "Unknown parameter: 'colour'",
            "colour",
        ),
        (lambda: create(file=("x" * 600, b"x"), purpose="batch"), "string too long", "filename"),
        (lambda: client.files.list(limit=0), "integer below minimum value", "limit"),
        (lambda: client.files.list(limit=10_001), "integer above maximum value", "limit"),
        (lambda: client.files.list(purpose="bad"), "Invalid value: 'bad'", "purpose"),
    ]
    for call, words, param in refused:
        with pytest.raises(openai.BadRequestError, match=words) as error:
            call()
        assert error.value.param == param


@covers("files.create", "files.retrieve")
def test_files_of_others_are_not_there(clients: Clients) -> None:
    mine = clients.open()
    made = mine.files.create(file=b"secret", purpose="vision")
    other = clients.open(key=clients.site.deployment.other_key)
    calls: list[Callable[[], object]] = [
        lambda: other.files.retrieve(made.id),
        lambda: other.files.content(made.id),
        lambda: other.files.delete(made.id),
        lambda: other.files.list(after=made.id),
    ]
    for call in calls:
        with pytest.raises(openai.NotFoundError):
            call()
    assert made.id not in {file.id for file in other.files.list()}
    stranger = clients.open(key="sk-nobody-0123456789")
    with pytest.raises(openai.AuthenticationError):
        stranger.files.create(file=("a", bytes(3_000_000)), purpose="vision")
    with pytest.raises(openai.AuthenticationError):
        stranger.files.content(made.id)


@covers("files.create", "files.content")
def test_some_megabytes(client: Any) -> None:
    content = bytes(range(251)) * 40_000
    made = client.files.create(file=("big.bin", io.BytesIO(content)), purpose="vision")
    assert made.bytes == len(content)
    assert client.files.content(made.id).read() == content
    raw = client.files.with_raw_response.content(made.id)
    assert raw.headers["content-length"] == str(len(content))
    assert raw.headers["content-disposition"] == 'attachment; filename="big.bin"'
