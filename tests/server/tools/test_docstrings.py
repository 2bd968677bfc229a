"""What a docstring is read as."""

from __future__ import annotations

import pytest

from understudy_server.tools.docstrings import parse_docstring


@pytest.mark.parametrize(
    ("text", "description", "parameters"),
    [
        (None, None, {}),
        ("", None, {}),
        ("Adds numbers.", "Adds numbers.", {}),
        ("Adds.\n\n    More\n    words.\n\n    Returns:\n        A sum.", "Adds.\n\nMore\nwords.", {}),
        ("Adds.\n\n    Args:\n        a: The one.\n        b (int): The other.", "Adds.",
         {"a": "The one.", "b": "The other."}),
        ("\nArgs:\n    a: It goes\n        on: here.\n\n    b: x", None,
         {"a": "It goes on: here.", "b": "x"}),
        ("Adds.\n\nArgs:\n    a:\n        Below its name.\n", "Adds.", {"a": "Below its name."}),
        ("Adds.\n\nParameters:\n    a: x\n\nRaises:\n    ValueError: b.", "Adds.", {"a": "x"}),
        ("Adds.\n\nArgs:\n    a: x\nNo longer: a parameter", "Adds.", {"a": "x"}),
        ("Adds.\n\nArgs:\n    no entry here\n", "Adds.", {}),
    ],
)  # fmt: skip
def test_docstring(text: str | None, description: str | None, parameters: dict[str, str]) -> None:
    parsed = parse_docstring(text)
    assert (parsed.description, parsed.parameters) == (description, parameters)
