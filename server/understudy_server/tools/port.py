"""The functions port: what this server itself runs for a model.

An assistant names such a function in an ordinary function tool. The description and schema that the
model sees are the assistant's; arguments are checked against the function's own schema. A call of a
name that is not in ``names`` is the client's to answer, by ``requires_action``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """Where a call comes from. A function that has a parameter of this type receives it."""

    project: str
    thread_id: str
    run_id: str
    assistant_id: str
    call_id: str
    """The same when a call is repeated after a crash, so that a function can recognise it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionDefinition:
    """A function as an assistant's tool can name it."""

    name: str
    description: str | None
    parameters: bytes
    """JSON schema of the arguments: an object."""


class Functions(Protocol):
    """What never changes while a server runs: ``names`` and ``definitions``."""

    def names(self) -> frozenset[str]: ...

    def definitions(self) -> tuple[FunctionDefinition, ...]:
        """In the order in which they were offered."""
        ...

    async def call(self, name: str, arguments: str, *, context: CallContext) -> str:
        """The output for the model, valid UTF-8, of bounded size, within a bounded time.

        ``arguments`` is JSON text as the model wrote it. Whatever is wrong with it or with the
        function (bad JSON, a mismatch with the schema, an exception, a time-out) is told to the model
        as ``{"error": "..."}``; only ``KeyError``, for a name that is not offered, is raised.
        Cancelling the caller cancels the call.
        """
        ...
