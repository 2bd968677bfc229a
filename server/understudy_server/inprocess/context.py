"""What a handler is given beside its request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, TypeAlias

import grpc
from grpc import aio

from understudy_server.inprocess.exchange import Exchange, Metadatum, Outcome

_Pairs: TypeAlias = Iterable[tuple[str, str | bytes]]
Converter: TypeAlias = Callable[[Any], Any]
"""Between an object and what travels: its bytes, or itself."""


class InProcessContext(aio.ServicerContext[Any, Any]):
    """The ServicerContext of a call that never left the process."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        decode: Converter,
        encode: Converter,
    ) -> None:
        self._exchange = exchange
        self._decode = decode
        self._encode = encode
        self._code: grpc.StatusCode | None = None
        self._details = ""
        self._trailing: tuple[tuple[str, str | bytes], ...] = ()
        self._abort: aio.AbortError | None = None

    async def read(self) -> Any:
        self.raise_for_abort()
        message = await self._exchange.requests.get()
        return message if message is aio.EOF else self._decode(message)

    async def write(self, message: Any) -> None:
        self.raise_for_abort()
        await self._exchange.respond(self._encode(message))

    async def send_initial_metadata(self, initial_metadata: _Pairs) -> None:
        self.raise_for_abort()
        if self._exchange.opened:
            raise aio.UsageError("Send initial metadata failed: already sent")
        self._exchange.open(initial_metadata)

    async def abort(
        self, code: grpc.StatusCode, details: str = "", trailing_metadata: _Pairs = ()
    ) -> NoReturn:
        if self._abort is not None:
            raise aio.UsageError("Abort already called!")
        self._abort = aio.AbortError("Locally aborted.")
        self._code = code
        self._details = details or self._details
        self._trailing = tuple(trailing_metadata) or self._trailing
        self._exchange.finish(self.outcome())
        raise self._abort

    async def abort_with_status(self, status: grpc.Status) -> NoReturn:
        await self.abort(status.code, status.details, status.trailing_metadata)

    def raise_for_abort(self) -> None:
        """A handler that swallowed its own abort stops at the next step."""
        if self._abort is not None:
            raise self._abort

    def outcome(self, default: grpc.StatusCode = grpc.StatusCode.OK) -> Outcome:
        """The outcome that this context stands for when its handler returns."""
        return Outcome(code=self._code or default, details=self._details, trailing=self._trailing)

    def set_trailing_metadata(self, trailing_metadata: _Pairs) -> None:
        self._trailing = tuple(trailing_metadata)

    def trailing_metadata(self) -> Any:
        return self._trailing

    def invocation_metadata(self) -> Any:
        metadata: tuple[Metadatum, ...] = self._exchange.metadata
        return metadata

    def set_code(self, code: grpc.StatusCode) -> None:
        self._code = code

    def code(self) -> Any:
        return self._code

    def set_details(self, details: str) -> None:
        self._details = details

    def details(self) -> str:
        return self._details

    def set_compression(self, compression: grpc.Compression) -> None:
        """Nothing is serialized, so nothing is compressed."""

    def disable_next_message_compression(self) -> None:
        """Nothing is compressed."""

    def peer(self) -> str:
        return "inprocess"

    def peer_identities(self) -> None:
        return None

    def peer_identity_key(self) -> None:
        return None

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        return {}

    def time_remaining(self) -> Any:
        return self._exchange.time_remaining()

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        task = self._exchange.task
        assert task is not None
        task.add_done_callback(lambda _: callback(self))

    def cancelled(self) -> bool:
        # As grpc.aio has it: this tells of the handler's own code, not of the client's cancel.
        return self._code is grpc.StatusCode.CANCELLED

    def done(self) -> bool:
        return self._exchange.finished
