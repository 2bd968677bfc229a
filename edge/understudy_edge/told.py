"""What a core tells beside its answer that the client is to know: how its key stands with its limits."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

_PASSED_ON: Final = "x-ratelimit-"

_TOLD: Final[ContextVar[dict[str, str]]] = ContextVar("told")


def listen(told: dict[str, str]) -> None:
    """What is heard from now on, in this task and those that it begins, is put into ``told`` as headers."""
    _TOLD.set(told)


def hear(metadata: Iterable[Any] | None) -> None:
    """Metadata of a call, initial or trailing; the last that was said counts."""
    told = _TOLD.get(None)
    if told is not None and metadata is not None:
        told.update({key: value for key, value in metadata if key.startswith(_PASSED_ON)})


def hearing(method: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """A unary method, whose answers are heard."""

    async def called(*arguments: Any, **named: Any) -> Any:
        call = method(*arguments, **named)
        answer = await call
        hear(await call.trailing_metadata())
        return answer

    return called
