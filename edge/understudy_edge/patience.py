"""Calls of a core that may go away: which may be repeated, how long, and how often."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, Literal

import grpc
from google.protobuf.descriptor_pb2 import MethodOptions

from understudy_edge.cores import is_reachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from google.protobuf.descriptor import MethodDescriptor

    from understudy_edge.caller import Metadata

Repeats = Literal["as it is", "with a key", "never"]

LOST: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})
"""How a call ends whose core went away, or cannot serve."""

_FIRST_DELAY: Final = 0.01
_LONGEST_DELAY: Final = 0.5
_CREATING: Final = ("Create", "StreamCreate", "AddUploadPart")
_SAME_TWICE: Final = frozenset(
    {
        "SubmitToolOutputs",
        "StreamSubmitToolOutputs",
        "CancelRun",
        "CompleteUpload",
        "CancelUpload",
    }
)


def repeats(method: MethodDescriptor) -> Repeats:
    """Whether a call whose outcome is unknown may be made again.

    Creating calls may, with an idempotency key, which the contract promises to all of them. A change
    may not: the first one may still come through, after somebody else's later one.
    """
    if method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS:
        return "as it is"
    if method.name in _SAME_TWICE:
        return "as it is"
    return "with a key" if method.name.startswith(_CREATING) else "never"


def attempt_metadata(earlier: int) -> Metadata:
    """Tells the core that it may have had this call before."""
    return (("previous-attempts", str(earlier)),) if earlier else ()


class Patience:
    """Waits longer and longer between tries, for so many seconds since the first failure."""

    def __init__(
        self,
        seconds: float,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.seconds = seconds
        self._now = now
        self._sleep = sleep
        self._failed_at: float | None = None
        self._delay = _FIRST_DELAY

    async def wait(self, error: grpc.aio.AioRpcError) -> None:
        """Returns when it is time to try again; raises ``error`` when it is time to give up."""
        now = self._now()
        if self._failed_at is None:
            self._failed_at = now
        if now - self._failed_at >= self.seconds:
            raise error
        await self._sleep(self._delay)
        self._delay = min(2 * self._delay, _LONGEST_DELAY)

    def renew(self) -> None:
        """Something came through: the next failure is a first one."""
        self._failed_at, self._delay = None, _FIRST_DELAY


async def reached(channel: grpc.aio.Channel, patience: Patience) -> None:
    """Returns when a core can be called; nothing has been sent before. Raises ``AioRpcError``.

    Without any patience it leaves it to the call to find out.
    """
    while patience.seconds and not is_reachable(channel):
        none = grpc.aio.Metadata()
        text = "no core is reachable"
        await patience.wait(
            grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, none, none, details=text)
        )


async def call(
    channel: grpc.aio.Channel,
    method: Callable[..., Awaitable[Any]],
    message: object,
    *,
    metadata: Metadata,
    timeout: float,
    repeatable: bool,
    patience: Patience,
) -> Any:
    """The answer of a unary method of ``channel``. ``timeout``: seconds of each try.

    Raises ``AioRpcError``: at once for a call that cannot be repeated, once it was sent.
    """
    earlier = 0
    while True:
        await reached(channel, patience)
        try:
            return await method(
                message, metadata=(*metadata, *attempt_metadata(earlier)), timeout=timeout
            )
        except grpc.aio.AioRpcError as error:
            if error.code() not in LOST or not repeatable:
                raise
            await patience.wait(error)
            earlier += 1
