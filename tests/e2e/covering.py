"""Which methods of an SDK a test covers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])


def covers(*_methods: str) -> Callable[[F], F]:
    """Says that a test calls these methods, such as ``beta.assistants.create``.

    ``test_methods.py`` reads it from the source, and sees whether they are called there.
    """
    return lambda test: test
