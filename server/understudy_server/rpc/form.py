"""Requests that come as a stream of one form: its fields once, at any place, and bytes in any number of pieces."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Generic, Protocol, TypeVar

from understudy_server import refused_values as words
from understudy_server.errors import InvalidRequest, TooLarge

M_co = TypeVar("M_co", covariant=True)

PIECE = 1024 * 1024
"""Bytes that one message may hold."""


class Part(Protocol[M_co]):
    """One message of the stream."""

    @property
    def metadata(self) -> M_co: ...
    @property
    def data(self) -> bytes: ...
    def WhichOneof(self, oneof_group: Any, /) -> Any: ...  # noqa: N802 - protobuf's word


class Form(Generic[M_co]):
    """Reads such a stream. ``begin``, then ``content`` to its end, then all the rest is known."""

    def __init__(
        self, parts: AsyncIterator[Part[M_co]], *, limit: int, too_large: str, hashed: bool
    ) -> None:
        """``limit``: bytes in all; ``too_large``: what is said of more; ``hashed``: whether there is a digest."""
        self._parts = parts
        self._limit = limit
        self._too_large = too_large
        self._first = b""
        self._found: M_co | None = None
        self._digest = hashlib.sha256() if hashed else None
        self.size = 0

    async def begin(self) -> None:
        """Reads until the first bytes. Raises ``InvalidRequest`` when there are none."""
        while not self._first:
            piece = await self._next()
            if piece is None:
                self._check_complete()
                raise InvalidRequest("File is empty.", reason="INVALID_VALUE", param="file")
            self._first = piece

    @property
    def found(self) -> M_co | None:
        """The fields, if they came already."""
        return self._found

    @property
    def metadata(self) -> M_co:
        """The fields. Raises ``InvalidRequest`` when they did not come."""
        self._check_complete()
        assert self._found is not None
        return self._found

    @property
    def digest(self) -> bytes:
        """SHA-256 of the content so far; empty unless asked for."""
        return b"" if self._digest is None else self._digest.digest()

    async def content(self) -> AsyncGenerator[bytes, None]:
        """The bytes; at their end ``metadata`` is known to be there. Raises ``TooLarge``, ``InvalidRequest``."""
        piece: bytes | None = self._first
        self._first = b""
        while piece is not None:
            if piece:
                yield piece
            piece = await self._next()
        self._check_complete()

    async def skip(self) -> None:
        """Reads to the end, for its size and digest alone."""
        async for _ in self.content():
            pass

    async def _next(self) -> bytes | None:
        """The next piece, empty for a message without bytes; None at the end."""
        async for part in self._parts:
            branch = part.WhichOneof("part")
            if branch == "metadata":
                if self._found is not None:
                    raise InvalidRequest(
                        "Invalid 'metadata': given more than once.",
                        reason="INVALID_VALUE",
                        param="metadata",
                    )
                self._found = part.metadata
                return b""
            if branch == "data":
                return self._counted(part.data)
            return b""
        return None

    def _counted(self, piece: bytes) -> bytes:
        if len(piece) > PIECE:
            raise InvalidRequest(
                f"Invalid 'data': too long. Expected at most {PIECE} bytes in one message, "
                f"but got {len(piece)} instead.",
                reason="INVALID_VALUE",
                param="data",
            )
        self.size += len(piece)
        if self.size > self._limit:
            raise TooLarge(self._too_large)
        if self._digest is not None:
            self._digest.update(piece)
        return piece

    def _check_complete(self) -> None:
        if self._found is None:
            raise words.missing("metadata")
