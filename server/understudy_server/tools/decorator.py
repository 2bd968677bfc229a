"""``@function``: marks what a module offers. The function itself stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__understudy_function__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a module says about a function beyond its signature; None: as the signature has it."""

    name: str | None = None
    description: str | None = None
    parameters: Mapping[str, Any] | None = None
    """A JSON schema in place of the one from the type hints."""
    timeout: float | None = None
    """Seconds; None: the server's setting."""


@overload
def function(target: F, /) -> F: ...


@overload
def function(
    *,
    name: str | None = None,
    description: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    timeout: float | None = None,
) -> Callable[[F], F]: ...


def function(
    target: F | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    timeout: float | None = None,
) -> F | Callable[[F], F]:
    """Offers a function to models: ``@function``, or ``@function(timeout=5)``."""
    options = Options(name=name, description=description, parameters=parameters, timeout=timeout)

    def mark(target: F) -> F:
        setattr(target, _MARK, options)
        return target

    return mark if target is None else mark(target)


def options_of(target: object) -> Options | None:
    """None for what was not marked."""
    options = getattr(target, _MARK, None)
    return options if isinstance(options, Options) else None
