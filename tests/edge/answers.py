"""Looking at error answers."""

from __future__ import annotations

from typing import Any


def error_of(body: Any) -> tuple[str, str | None, str | None]:
    """(type, param, code), after looking at the shape."""
    assert list(body) == ["error"]
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert isinstance(body["error"]["message"], str)
    return body["error"]["type"], body["error"]["param"], body["error"]["code"]
