from __future__ import annotations

from importlib import import_module

import pytest

from understudy_server.documents.kinds import PARSERS, SEARCHABLE, extension, parser_of, unsupported
from understudy_server.errors import UnsupportedFile

LISTED = [
    *("c", "cpp", "cs", "css", "docx", "go", "html", "java", "js", "json", "md", "pdf", "php"),
    *("pptx", "py", "rb", "sh", "tex", "ts", "txt"),
]


@pytest.mark.parametrize("kind", LISTED)
def test_what_openai_listed_is_supported(kind: str) -> None:
    assert f".{kind}" in SEARCHABLE


@pytest.mark.parametrize("kind", sorted(set(PARSERS.values())))
def test_every_parser_is_there(kind: str) -> None:
    assert callable(import_module(f"understudy_server.documents.parsers.{kind}").read)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        *(("a.csv", ".csv"), ("a.jsonl", ".jsonl"), ("b.PNG", ".png"), ("x.xlsx", ".xlsx")),
        *(("x.zip", ".zip"), ("notes", "none"), ("", "none"), (".txt", "none"), ("x.exe", ".exe")),
    ],
)
def test_what_is_not_supported_is_refused_in_openais_words(name: str, shown: str) -> None:
    with pytest.raises(UnsupportedFile) as refused:
        parser_of(name)
    assert refused.value.message == (
        f"Files with extensions [{shown}] are not supported for retrieval. "
        "See https://platform.openai.com/docs/assistants/tools/file-search/supported-files"
    )


def test_the_old_word_format_is_refused_with_what_to_do() -> None:
    with pytest.raises(UnsupportedFile, match=r"Save files of the old Word format as \.docx"):
        parser_of("letter.doc")


def test_several_refusals_are_one() -> None:
    refused = unsupported(["a.csv", "b.txt", "c.png", "d.csv"], "file_ids")
    assert refused is not None
    assert refused.param == "file_ids"
    assert "[.csv, .png]" in refused.message
    assert unsupported(["b.txt", "c.pdf"], "file_ids") is None


@pytest.mark.parametrize(
    ("name", "found"),
    [("A.TXT", ".txt"), ("a.tar.md", ".md"), ("dir\\b.Pdf", ".pdf"), ("x/y.z/c", ""), ("a.", "")],
)
def test_extensions(name: str, found: str) -> None:
    assert extension(name) == found
