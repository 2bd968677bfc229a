"""Which kinds of files can be searched: told by the extension of their name."""

from __future__ import annotations

from pathlib import PurePosixPath

from understudy_server.errors import UnsupportedFile

_LISTED = (
    *(".c", ".cpp", ".cs", ".css", ".go", ".java", ".js", ".json", ".md", ".php", ".py", ".rb"),
    *(".sh", ".tex", ".ts", ".txt"),
)
"""Kinds of text that OpenAI named."""

_OTHER_TEXT = (
    *(".adoc", ".asc", ".asciidoc", ".bash", ".bat", ".bib", ".cc", ".cfg", ".clj", ".cmake"),
    *(".conf", ".cxx", ".dart", ".diff", ".el", ".erl", ".ex", ".exs", ".f90", ".fs", ".gradle"),
    *(".graphql", ".groovy", ".h", ".hh", ".hpp", ".hs", ".hxx", ".ics", ".ini", ".ipynb", ".jl"),
    *(".jsx", ".kt", ".kts", ".less", ".lisp", ".log", ".lua", ".m", ".markdown", ".mjs", ".ml"),
    *(".mm", ".nim", ".org", ".pas", ".patch", ".pl", ".pm", ".po", ".properties", ".proto"),
    *(".ps1", ".r", ".rs", ".rst", ".sass", ".scala", ".scm", ".scss", ".sql", ".srt", ".svelte"),
    *(".swift", ".tcl", ".text", ".textile", ".tf", ".toml", ".tsx", ".vb", ".vim", ".vtt"),
    *(".vue", ".yaml", ".yml", ".zig", ".zsh"),
)
"""It took ``text/*`` in general. Tables, data and images stay what it refused: csv, jsonl, tsv, xml."""

PARSERS = {
    **dict.fromkeys((*_LISTED, *_OTHER_TEXT), "text"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
}
"""Which module of ``parsers/`` reads a kind of file. The one list of what is supported."""

SEARCHABLE = frozenset(PARSERS)

_HELP = "https://platform.openai.com/docs/assistants/tools/file-search/supported-files"


def extension(filename: str) -> str:
    """In lower case, with its dot; empty for a name without one."""
    return PurePosixPath(filename.replace("\\", "/")).suffix.lower()


def parser_of(filename: str) -> str:
    """The name of the parser of a file. Raises ``UnsupportedFile``."""
    refused = unsupported([filename])
    if refused is not None:
        raise refused
    return PARSERS[extension(filename)]


def unsupported(filenames: list[str], param: str | None = None) -> UnsupportedFile | None:
    """The refusal of those files that cannot be searched; None: all of them can."""
    kinds = dict.fromkeys(extension(name) or "none" for name in filenames)
    refused = ", ".join(kind for kind in kinds if kind not in SEARCHABLE)
    if not refused:
        return None
    hint = " Save files of the old Word format as .docx." if ".doc" in kinds else ""
    return UnsupportedFile(
        f"Files with extensions [{refused}] are not supported for retrieval.{hint} See {_HELP}",
        param=param,
    )
