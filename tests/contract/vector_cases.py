"""What is refused of vector stores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.contract.cases import Case, bad_word, missing, mistyped, out_of_range, put, unknown

ABSENT = "/vector_stores/vs_absent"
STORE = "/vector_stores/<store>"
_STATUSES = "'in_progress', 'completed', 'failed', and 'cancelled'"


def _no_store(method: str, path: str, body: object = None) -> Case:
    return Case(
        row="vector store 404",
        method=method,
        path=path,
        body=body,
        status=404,
        message="No vector store found with id 'vs_absent'.",
    )


def _no_file(method: str, path: str, body: object = None) -> Case:
    return Case(
        row="file in vector store 404",
        method=method,
        path=path,
        body=body,
        status=404,
        message="No file found with id 'file-absent' in vector store '<store>'.",
    )


def _malformed(param: str, prefix: str, path: str) -> Case:
    return Case(
        row="malformed id",
        method="GET",
        path=path,
        message=f"Invalid '{param}': 'x'. Expected an ID that begins with '{prefix}'.",
        param=param,
        code="invalid_value",
    )


def _absent_files(path: str, place: str, at: str, value: Any) -> Case:
    return Case(
        row="unknown file ids",
        path=path,
        body=put({}, place, value),
        status=404,
        message="The following files were not found: file-absent",
        param=at,
    )


def _unsearchable(path: str, body: Any, param: str) -> Case:
    return Case(
        row="file type for file_search",
        path=path,
        body=body,
        message=(
            "Files with extensions [.csv] are not supported for retrieval. See "
            "https://platform.openai.com/docs/assistants/tools/file-search/supported-files"
        ),
        param=param,
        code="unsupported_file",
    )


def _fields() -> Iterator[Case]:
    """Values that no operation takes, wherever they may stand."""
    static = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}
    chunked = (
        ("/vector_stores", {"file_ids": ["<file>"]}),
        (f"{STORE}/files", {"file_id": "<file>"}),
        (f"{STORE}/file_batches", {"file_ids": ["<file>"]}),
    )
    for path, body in chunked:
        for given, expected in (
            ({**static, "chunk_overlap_tokens": 401}, ("above", "400", "401", "chunk_overlap")),
            ({**static, "max_chunk_size_tokens": 99}, ("below", "100", "99", "max_chunk_size")),
            (
                {**static, "max_chunk_size_tokens": 4097},
                ("above", "4096", "4097", "max_chunk_size"),
            ),
        ):
            side, limit, got, name = expected
            where = f"chunking_strategy.static.{name}_tokens"
            yield Case(
                path=path,
                body={**body, "chunking_strategy": {"type": "static", "static": given}},
                **out_of_range(where, "integer", side, limit, got),
            )
        yield Case(path=path, body={**body, "foo": 1}, **unknown("foo"))
    for number in ("0", "366"):
        side, limit = ("below", "1") if number == "0" else ("above", "365")
        yield Case(
            path="/vector_stores",
            body={"expires_after": {"anchor": "last_active_at", "days": int(number)}},
            **out_of_range("expires_after.days", "integer", side, limit, number),
        )
    yield Case(
        path="/vector_stores",
        body={"expires_after": {"days": 1}},
        **missing("expires_after.anchor"),
    )
    yield Case(
        path="/vector_stores", body={"name": 5}, **mistyped("name", "a string", "an integer")
    )
    yield Case(path=f"{STORE}/files", body={}, **missing("file_id"))
    yield Case(path=f"{STORE}/file_batches", body={}, **missing("file_ids"))
    for path in (f"{STORE}/files",):
        yield Case(
            method="GET",
            path=f"{path}?filter=done",
            **bad_word("filter", "done", _STATUSES),
        )


VECTORS: tuple[Case, ...] = (
    _no_store("GET", ABSENT),
    _no_store("POST", ABSENT, {"name": "n"}),
    _no_store("DELETE", ABSENT),
    _no_store("GET", "/vector_stores?after=vs_absent"),
    _no_store("GET", "/vector_stores?before=vs_absent"),
    _no_store("POST", f"{ABSENT}/files", {"file_id": "<file>"}),
    _no_store("GET", f"{ABSENT}/files"),
    _no_store("GET", f"{ABSENT}/files/<file>"),
    _no_store("POST", f"{ABSENT}/files/<file>", {"attributes": {}}),
    _no_store("DELETE", f"{ABSENT}/files/<file>"),
    _no_store("GET", f"{ABSENT}/files/<file>/content"),
    _no_store("POST", f"{ABSENT}/file_batches", {"file_ids": ["<file>"]}),
    _no_store("GET", f"{ABSENT}/file_batches/vsfb_x"),
    _no_store("POST", f"{ABSENT}/file_batches/vsfb_x/cancel"),
    _no_store("GET", f"{ABSENT}/file_batches/vsfb_x/files"),
    _no_file("GET", f"{STORE}/files/file-absent"),
    _no_file("POST", f"{STORE}/files/file-absent", {"attributes": {}}),
    _no_file("DELETE", f"{STORE}/files/file-absent"),
    _no_file("GET", f"{STORE}/files/file-absent/content"),
    _no_file("GET", f"{STORE}/files?after=file-absent"),
    _no_file("GET", f"{STORE}/files?before=file-absent&filter=failed"),
    _malformed("vector_store_id", "vs", "/vector_stores/x"),
    _malformed("file_id", "file", f"{STORE}/files/x"),
    _malformed("batch_id", "vsfb", f"{STORE}/file_batches/x"),
    _absent_files("/vector_stores", "file_ids", "file_ids", ["<file>", "file-absent"]),
    _absent_files(f"{STORE}/files", "file_id", "file_id", "file-absent"),
    _absent_files(f"{STORE}/file_batches", "file_ids", "file_ids", ["file-absent"]),
    _absent_files(f"{STORE}/file_batches", "files", "files", [{"file_id": "file-absent"}]),
    _unsearchable("/vector_stores", {"file_ids": ["<table>"]}, "file_ids"),
    _unsearchable(f"{STORE}/files", {"file_id": "<table>"}, "file_id"),
    _unsearchable(f"{STORE}/file_batches", {"file_ids": ["<table>"]}, "file_ids"),
    _unsearchable(
        "/threads/<thread>/messages",
        {
            "role": "user",
            "content": "x",
            "attachments": [{"file_id": "<table>", "tools": [{"type": "file_search"}]}],
        },
        "attachments[0].file_id",
    ),
    *_fields(),
)
