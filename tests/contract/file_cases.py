"""What is refused of files and uploads."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.contract.cases import Case, bad_word, missing, mistyped, out_of_range, unknown

PURPOSES = "'assistants', 'batch', 'fine-tune', 'vision', 'user_data', and 'evals'"
_UPLOAD = {"filename": "a.txt", "purpose": "vision", "bytes": 3, "mime_type": "text/plain"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FormCase(Case):
    """A form in place of a JSON body."""

    method: str = "POST"
    path: str = "/files"
    fields: dict[str, str] = field(default_factory=lambda: {"purpose": "vision"})
    content: bytes | None = b"hello"


def _no_file(id: str, method: str, path: str) -> Case:
    return Case(
        row="file 404",
        method=method,
        path=path,
        status=404,
        message=f"No such File object: {id}",
        param="id",
    )


FORMS: tuple[FormCase, ...] = (
    FormCase(**missing("file"), content=None),
    FormCase(**missing("purpose"), fields={}),
    FormCase(**unknown("colour"), fields={"purpose": "vision", "colour": "red"}),
    FormCase(
        row="file purpose enum",
        fields={"purpose": "world_domination"},
        message=f"'world_domination' is not one of [{PURPOSES.replace('and ', '')}] - 'purpose'",
        param="purpose",
    ),
    *(
        FormCase(fields={"purpose": "vision", **fields}, **expected)
        for fields, expected in (
            ({"expires_after[seconds]": "3600"}, missing("expires_after.anchor")),
            ({"expires_after[anchor]": "created_at"}, missing("expires_after.seconds")),
            (
                {"expires_after[anchor]": "created_at", "expires_after[seconds]": "soon"},
                mistyped("expires_after.seconds", "an integer", "a string"),
            ),
            (
                {"expires_after[anchor]": "created_at", "expires_after[seconds]": "1"},
                out_of_range("expires_after.seconds", "integer", "below", "3600", "1"),
            ),
            (
                {"expires_after[anchor]": "created_at", "expires_after[seconds]": "2592001"},
                out_of_range("expires_after.seconds", "integer", "above", "2592000", "2592001"),
            ),
        )
    ),
)

FILES: tuple[Case, ...] = (
    _no_file("fake_id", "GET", "/files/fake_id"),
    _no_file("fake_id", "DELETE", "/files/fake_id"),
    _no_file("fake_id", "GET", "/files/fake_id/content"),
    _no_file("fake_id", "GET", "/files?after=fake_id"),
    Case(
        row="download not allowed",
        method="GET",
        path="/files/<file>/content",
        message="Not allowed to download files of purpose: user_data",
    ),
    Case(
        method="GET", path="/files?limit=0", **out_of_range("limit", "integer", "below", "1", "0")
    ),
    Case(
        method="GET",
        path="/files?limit=10001",
        **out_of_range("limit", "integer", "above", "10000", "10001"),
    ),
    Case(method="GET", path="/files?before=<file>", **unknown("before")),
    *(
        Case(
            row="upload 404",
            path=f"/uploads/upload_absent/{verb}",
            body=body,
            status=404,
            message="No upload found with id 'upload_absent'.",
        )
        for verb, body in (("cancel", None), ("complete", {"part_ids": ["part_x"]}))
    ),
    *(
        Case(path="/uploads", body={n: v for n, v in _UPLOAD.items() if n != name}, **missing(name))
        for name in _UPLOAD
    ),
    *(
        Case(path="/uploads", body=_UPLOAD | given, **expected)
        for given, expected in (
            ({"purpose": "bad"}, bad_word("purpose", "bad", PURPOSES)),
            ({"bytes": "3"}, mistyped("bytes", "an integer", "a string")),
            ({"bytes": -1}, out_of_range("bytes", "integer", "below", "0", "-1")),
            (
                {"bytes": 2**33 + 1},
                out_of_range("bytes", "integer", "above", "8589934592", "8589934593"),
            ),
            ({"foo": 1}, unknown("foo")),
        )
    ),
)
