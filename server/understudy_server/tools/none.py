"""A server that runs no functions: every call is the client's to answer."""

from __future__ import annotations

from understudy_server.tools.port import CallContext, FunctionDefinition


class NoFunctions:
    def names(self) -> frozenset[str]:
        return frozenset()

    def definitions(self) -> tuple[FunctionDefinition, ...]:
        return ()

    async def call(self, name: str, arguments: str, *, context: CallContext) -> str:
        del arguments, context
        raise KeyError(name)
