"""Documents that are on every machine with Python: the docstrings of its standard library."""

from __future__ import annotations

import ast
import sysconfig
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

_LEFT_OUT = {
    "test", "tests", "idlelib", "lib2to3", "site-packages", "dist-packages", "encodings", "ensurepip",
    "turtledemo", "distutils", "pydoc_data", "lib-dynload",
}  # fmt: skip
_LEAST, _MOST = 200, 6_000
"""Characters of a document. Longer ones are cut, so that the whole takes a minute or two to embed."""


def documents() -> Mapping[str, str]:
    """The text of each module that some question is about, by its name."""
    asked = {module for _, module in questions()}
    root = Path(sysconfig.get_paths()["stdlib"])
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        if name not in asked or _LEFT_OUT.intersection(parts):
            continue
        text = "\n\n".join(_docstrings(path))[:_MOST]
        if len(text) >= _LEAST:
            found[name] = text
    return found


def questions() -> list[tuple[str, str]]:
    """Each question with the module that answers it."""
    path = Path(__file__).with_name("questions.toml")
    answers = tomllib.loads(path.read_text(encoding="utf-8"))["answers"]
    return [(question, module) for module, asked in answers.items() for question in asked]


def _docstrings(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:  # a file that is there to be wrong
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module):
            yield ast.get_docstring(node) or ""
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text and not node.name.startswith("_"):
                yield f"{node.name}: {text}"
