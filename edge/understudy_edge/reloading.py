"""A channel that is replaced now and then: new calls go over the newest, and an older one ends with its last call.

gRPC for Python cannot give a channel other credentials, so other certificates mean another channel.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from grpc import ChannelConnectivity, aio

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class ReloadingChannel(aio.Channel):
    """Owns all channels that it uses."""

    def __init__(
        self,
        first: aio.Channel,
        renewed: Callable[[], aio.Channel | None],
        *,
        wake_every: float = 1.0,
    ) -> None:
        """``renewed`` is asked with every use: the channel from now on, or None as long as it stays.

        ``wake_every``: seconds after which whoever waits for a change of state asks it too.
        """
        self._present = _Counted(first)
        self._renewed = renewed
        self._wake_every = wake_every
        self._older: set[_Counted] = set()
        """Those that are still used."""
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        self._closed = True
        channels = [self._present.channel, *(older.channel for older in self._older)]
        await asyncio.gather(*(channel.close(grace) for channel in channels), *self._closing)

    def get_state(self, try_to_connect: bool = False) -> ChannelConnectivity:
        return self.present().channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: ChannelConnectivity) -> None:
        while self.get_state() is last_observed_state:
            present = self._present
            watching = asyncio.create_task(
                present.channel.wait_for_state_change(last_observed_state)
            )
            self.begun(present, watching)
            try:
                while self.present() is present and not watching.done():
                    await asyncio.wait({watching}, timeout=self._wake_every)
                if watching.done():
                    watching.result()
            finally:
                watching.cancel()

    async def channel_ready(self) -> None:
        while (state := self.get_state(try_to_connect=True)) is not ChannelConnectivity.READY:
            await self.wait_for_state_change(state)

    def unary_unary(self, *method: Any, **named: Any) -> Any:
        return _Method(self, lambda channel: channel.unary_unary(*method, **named))

    def unary_stream(self, *method: Any, **named: Any) -> Any:
        return _Method(self, lambda channel: channel.unary_stream(*method, **named))

    def stream_unary(self, *method: Any, **named: Any) -> Any:
        return _Method(self, lambda channel: channel.stream_unary(*method, **named))

    def stream_stream(self, *method: Any, **named: Any) -> Any:
        return _Method(self, lambda channel: channel.stream_stream(*method, **named))

    def present(self) -> _Counted:
        """The one for the next call."""
        channel = None if self._closed else self._renewed()
        if channel is not None:
            older, self._present = self._present, _Counted(channel)
            self._older.add(older)
            self._close_unused()
        return self._present

    def begun(self, over: _Counted, use: Any) -> None:
        """``use``: a call or a task, for whose end the channel is kept."""
        over.uses += 1

        def ended(_use: object) -> None:
            over.uses -= 1
            self._close_unused()

        use.add_done_callback(ended)

    def _close_unused(self) -> None:
        if self._closed:
            return
        for unused in [older for older in self._older if not older.uses]:
            self._older.remove(unused)
            closing = asyncio.create_task(unused.channel.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)


class _Counted:
    """A channel with the number of calls, and others, that need it."""

    def __init__(self, channel: aio.Channel) -> None:
        self.channel = channel
        self.uses = 0


class _Method:
    """One method, called over whichever channel is the present one."""

    def __init__(
        self, owner: ReloadingChannel, make: Callable[[aio.Channel], Callable[..., Any]]
    ) -> None:
        self._owner = owner
        self._make = make
        self._made: tuple[_Counted, Callable[..., Any]] | None = None

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        present = self._owner.present()
        if self._made is None or self._made[0] is not present:
            self._made = present, self._make(present.channel)
        call = self._made[1](*arguments, **named)
        self._owner.begun(present, call)
        return call
