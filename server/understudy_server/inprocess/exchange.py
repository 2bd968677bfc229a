"""One call, as both of its ends see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import grpc
from grpc import aio

from understudy_server.inprocess.mailbox import Mailbox

UNREAD = 16
"""Messages that may wait for their reader, in each direction."""

LOCALLY_CANCELLED = "Locally cancelled by application!"


class Metadatum(NamedTuple):
    """As grpc shows metadata to handlers."""

    key: str
    value: str | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended."""

    code: grpc.StatusCode
    details: str = ""
    trailing: tuple[tuple[str, str | bytes], ...] = ()
    local: bool = False
    """The client itself gave up; awaiting it is then a CancelledError."""


class Exchange:
    """What the two ends of a call share: messages, metadata and the outcome.

    As on a wire, the outcome stands behind the messages: the client sees it once it has read them
    all. Only giving up (a cancel, the deadline, a stopped server) overtakes them.
    """

    __slots__ = (
        "_callbacks",
        "_deadline",
        "_done",
        "_loop",
        "_opened",
        "_pending",
        "_timer",
        "copying",
        "initial",
        "metadata",
        "method",
        "outcome",
        "requests",
        "response",
        "responses",
        "task",
    )

    def __init__(
        self,
        *,
        method: str,
        metadata: Iterable[tuple[str, str | bytes]],
        timeout: float | None,
        copying: bool,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.method = method
        self.metadata = tuple(Metadatum(*pair) for pair in metadata)
        self.copying = copying
        self.requests = Mailbox(UNREAD)
        self.responses = Mailbox(UNREAD)
        self.response: Any = None
        """The one response of a call that has one."""
        self.initial: tuple[tuple[str, str | bytes], ...] = ()
        self.outcome: Outcome | None = None
        self.task: asyncio.Task[None] | None = None
        """The handler's."""
        self._pending: Outcome | None = None
        self._opened = asyncio.Event()
        self._done = asyncio.Event()
        self._callbacks: list[Callable[[], None]] = []
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        if timeout is not None:
            self._deadline = self._loop.time() + timeout
            self._timer = self._loop.call_at(self._deadline, self._expire)

    # Both ends

    def time_remaining(self) -> float | None:
        """Seconds, not negative; None without a deadline."""
        return None if self._deadline is None else max(0.0, self._deadline - self._loop.time())

    # The server's end

    @property
    def opened(self) -> bool:
        return self._opened.is_set()

    @property
    def finished(self) -> bool:
        """Whether the server has given its outcome, be it read or not."""
        return self._pending is not None

    def open(self, initial: Iterable[tuple[str, str | bytes]] = ()) -> None:
        """Send the initial metadata, unless that was done."""
        if not self.opened:
            self.initial = tuple(initial)
            self._opened.set()

    async def respond(self, message: Any) -> None:
        self.open()
        await self.responses.put(message)

    def finish(self, outcome: Outcome) -> None:
        """Give the outcome; only the first one counts."""
        if self.finished:
            return
        self._pending = outcome
        self.responses.close()
        self._settle_if_drained()

    # The client's end

    @property
    def done(self) -> bool:
        return self.outcome is not None

    async def initial_metadata(self) -> aio.Metadata:
        await self._opened.wait()
        return aio.Metadata.from_tuple(self.initial)

    async def ended(self) -> Outcome:
        """Wait for the outcome."""
        await self._done.wait()
        assert self.outcome is not None
        return self.outcome

    async def receive(self) -> Any:
        """The next response, or EOF when the outcome is there."""
        message = await self.responses.get()
        self._settle_if_drained()
        return message

    def on_done(self, callback: Callable[[], None]) -> None:
        if self.done:
            callback()
        else:
            self._callbacks.append(callback)

    def give_up(self, outcome: Outcome) -> None:
        """End the call now, drop what is unread and cancel the handler."""
        if self.done:
            return
        self.responses.discard()
        self._settle(outcome)
        if self.task is not None and not self.finished:
            self.task.cancel()

    def _expire(self) -> None:
        code = grpc.StatusCode.DEADLINE_EXCEEDED
        self.give_up(Outcome(code=code, details="Deadline Exceeded"))

    def _settle_if_drained(self) -> None:
        if self._pending is not None and not self.done and self.responses.drained:
            self._settle(self._pending)

    def _settle(self, outcome: Outcome) -> None:
        self.outcome = outcome
        if self._timer is not None:
            self._timer.cancel()
        self.requests.discard()
        self.open()
        self._done.set()
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()
