"""No method of the SDK is forgotten: each is covered by a test."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.e2e.python.hearing import members

_OURS = ("beta.assistants", "beta.threads", "models", "files", "uploads", "vector_stores")
_VIEWS = {"with_raw_response", "with_streaming_response"}


def _methods(resource: Any, path: str) -> Iterator[str]:
    for name, member in inspect.getmembers(type(resource)):
        if name.startswith("_") or name in _VIEWS:
            continue
        if inspect.isfunction(member):
            yield f"{path}.{name}"
        else:
            yield from _methods(getattr(resource, name), f"{path}.{name}")


def _claims() -> Iterator[tuple[str, str, ast.FunctionDef]]:
    """Test, covered method, source; for each method in a ``covers``."""
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.parse(file.read_text()).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "covers":
                    for argument in call.args:
                        yield f"{file.name}::{node.name}", ast.literal_eval(argument), node


@pytest.mark.parametrize("kind", [openai.OpenAI, openai.AsyncOpenAI])
def test_every_method_is_covered(kind: type[openai.OpenAI | openai.AsyncOpenAI]) -> None:
    client: Any = kind(api_key="unused")
    exist: set[str] = set()
    for path in _OURS:
        resource = client
        for name in path.split("."):
            resource = getattr(resource, name)
        exist.update(_methods(resource, path))
    exist |= {
        f"AssistantEventHandler.{name}"
        for name in members("sync" if kind is openai.OpenAI else "async")
    }
    covered = {method for _, method, _ in _claims()}
    assert covered == exist


def test_what_a_test_covers_it_names() -> None:
    for test, method, source in _claims():
        named = {node.attr for node in ast.walk(source) if isinstance(node, ast.Attribute)}
        assert method.rpartition(".")[2] in named, f"{test} does not call {method}"
