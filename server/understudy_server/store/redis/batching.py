"""Requests that are made at the same time travel together.

Whatever is asked for in one turn of the event loop, and while earlier requests are on their way, goes out as one
pipeline. A caller that gives up waiting changes nothing for the others, nor for what was sent.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import NoScriptError, RedisError, ResponseError

from understudy_server.errors import OutcomeUnknown, StoreUnavailable, Unsent
from understudy_server.store.redis.scripts import BY_DIGEST, Command

LARGEST = 500
"""Commands of one pipeline."""

AT_ONCE = 4
"""Pipelines on their way: a slow one must not hold everything up."""


class Pipeline(Protocol):
    """What the clients for one server and for a Cluster have in common."""

    def execute_command(self, *args: Any) -> Any: ...

    async def execute(self, raise_on_error: bool = True) -> list[Any]: ...


class Batches:
    """Sends commands until it is closed."""

    def __init__(self, pipeline: Callable[[], Pipeline], *, timeout: float) -> None:
        """``timeout``: seconds for one pipeline, connecting included."""
        self._pipeline = pipeline
        self._timeout = timeout
        self._waiting: deque[tuple[Command, asyncio.Future[Any]]] = deque()
        self._sending: set[asyncio.Task[None]] = set()

    async def ask(self, command: Command) -> Any:
        """The answer. Raises ``Unsent``, ``OutcomeUnknown``, or ``StoreUnavailable`` when it was refused."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, future))
        if len(self._sending) < AT_ONCE:
            self._send()
        return await future

    async def ask_all(self, commands: list[Command]) -> list[Any]:
        return list(await asyncio.gather(*(self.ask(command) for command in commands)))

    async def drain(self) -> None:
        """Return when everything asked for so far has its answer."""
        while self._sending:
            await asyncio.wait(self._sending)

    def _send(self) -> None:
        task = asyncio.create_task(self._send_waiting())
        self._sending.add(task)
        task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        if self._waiting and not self._sending:
            self._send()

    async def _send_waiting(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(LARGEST, len(self._waiting)))]
            try:
                answers = await self._exchange([command for command, _ in batch])
            except (StoreUnavailable, OutcomeUnknown) as error:
                answers = [error] * len(batch)
            for (_, future), answer in zip(batch, answers, strict=True):
                if future.done():
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(_meaning(answer))
                else:
                    future.set_result(answer)

    async def _exchange(self, commands: list[Command]) -> list[Any]:
        answers = await self._execute(commands)
        unknown = [n for n, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            again = [BY_DIGEST[str(commands[n][1])].call_with_text(commands[n]) for n in unknown]
            try:
                second: list[Any] = await self._execute(again)
            except (StoreUnavailable, OutcomeUnknown) as error:
                # What the other commands did is done.
                second = [error] * len(again)
            for n, answer in zip(unknown, second, strict=True):
                answers[n] = answer
        return answers

    async def _execute(self, commands: list[Command]) -> list[Any]:
        pipeline = self._pipeline()
        for command in commands:
            pipeline.execute_command(*command)
        try:
            async with asyncio.timeout(self._timeout):
                return await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError, TimeoutError) as error:
            if _never_sent(error):
                raise Unsent(f"Redis cannot be reached: {error}") from error
            raise OutcomeUnknown(f"Redis did not answer: {error!r}") from error
        except Exception as error:
            # A client whose connection goes away at the wrong moment stumbles over its own state; whoever waits
            # for these answers must not wait for ever.
            raise OutcomeUnknown(f"the client of Redis failed: {error!r}") from error


_CONNECTING = (ConnectionRefusedError, FileNotFoundError, socket.gaierror, MasterNotFoundError)


def _never_sent(error: BaseException | None) -> bool:
    """Whether it was connecting that failed."""
    while error is not None:
        if isinstance(error, _CONNECTING):
            return True
        error = error.__cause__ or error.__context__
    return False


def _meaning(error: Exception) -> Exception:
    if isinstance(error, ResponseError):
        # A script writes only after its last judgement, and Redis refuses a write before its first effect.
        return StoreUnavailable(f"Redis refused: {error}")
    if isinstance(error, RedisError):
        return OutcomeUnknown(f"Redis did not answer: {error}")
    return error
