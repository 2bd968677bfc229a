"""How long and how often to try again what a broken connection has ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from grpc_status import rpc_status

_LOST = frozenset(
    {
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.UNKNOWN,
    }
)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_STEADY = 2.0
"""Seconds for which a stream has stood that was no mere attempt, even if nothing came."""


def is_lost(error: grpc.aio.AioRpcError) -> bool:
    """Whether a call ended so because its connection broke, its core went away, or there was no room at the moment.

    Where there is no room the core says when to come again. What is simply too large gets the same code without that.
    """
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return _delay(error) is not None
    return error.code() in _LOST


def _delay(error: grpc.aio.AioRpcError) -> float | None:
    """The seconds after which the core wants to be asked again, if it says so."""
    try:
        status = rpc_status.from_call(error)
        for detail in status.details if status else ():
            told = RetryInfo()
            if detail.Unpack(told):
                return float(told.retry_delay.ToMilliseconds()) / 1000
    except (DecodeError, ValueError, OverflowError):
        pass  # details that are none tell nothing
    return None


class Patience:
    """``seconds``: how long to try without success. ``now`` is a clock in seconds that never goes back."""

    def __init__(
        self,
        seconds: float,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._seconds = seconds
        self._now = now
        self._sleep = sleep
        self._pause = _FIRST_PAUSE
        self._lost_since: float | None = None
        self._accepted = float("inf")

    def accepted(self) -> None:
        """A stream has been opened."""
        self._accepted = self._now()

    def ended(self) -> None:
        """The stream has ended, one way or another."""
        if self._now() - self._accepted >= _STEADY:
            self.succeeded()
        self._accepted = float("inf")

    def succeeded(self) -> None:
        self._lost_since = None
        self._pause = _FIRST_PAUSE

    async def again(self, error: grpc.aio.AioRpcError) -> None:
        """Returns when it is time for the next attempt; raises ``error`` when patience ends before that."""
        self.ended()
        now = self._now()
        if self._lost_since is None:
            self._lost_since = now
        pause = max(self._pause, _delay(error) or 0.0)
        if now - self._lost_since + pause > self._seconds:
            raise error
        await self.pause(pause)

    async def pause(self, seconds: float = 0.0) -> None:
        """Longer each time, and for ``seconds`` at least."""
        await self._sleep(max(self._pause, seconds))
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
