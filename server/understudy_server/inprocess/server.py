"""The server's end: handlers, interceptors, and the calls that are running."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeAlias
from weakref import WeakSet

import grpc
from grpc import ChannelConnectivity, aio

from understudy_server.inprocess.connectivity import Connectivity
from understudy_server.inprocess.exchange import Exchange, Outcome
from understudy_server.inprocess.handling import run_handler

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Resolve: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]"


@dataclass(slots=True)
class _CallDetails:
    """A grpc.HandlerCallDetails."""

    method: str
    invocation_metadata: tuple[tuple[str, str | bytes], ...]


class InProcessServer(aio.Server):
    """A grpc.aio.Server without ports; an ``InProcessChannel`` on it is the only way in."""

    def __init__(self, *, interceptors: Sequence[aio.ServerInterceptor] = ()) -> None:
        self._registered: dict[str, Handler] = {}
        self._generic: list[grpc.GenericRpcHandler] = []
        self._active: set[Exchange] = set()
        self._channels: WeakSet[Connectivity] = WeakSet()
        self._state = ChannelConnectivity.IDLE
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopped = asyncio.Event()
        self._resolve: _Resolve = self._find
        for interceptor in reversed(interceptors):
            self._resolve = partial(interceptor.intercept_service, self._resolve)

    def add_generic_rpc_handlers(
        self, generic_rpc_handlers: Iterable[grpc.GenericRpcHandler]
    ) -> None:
        self._generic.extend(generic_rpc_handlers)

    def add_registered_method_handlers(
        self, service_name: str, method_handlers: Mapping[str, Handler]
    ) -> None:
        for name, handler in method_handlers.items():
            self._registered[f"/{service_name}/{name}"] = handler

    def add_insecure_port(self, address: str) -> NoReturn:
        raise aio.UsageError(f"An in-process server has no ports: {address}")

    def add_secure_port(self, address: str, server_credentials: grpc.ServerCredentials) -> NoReturn:
        del server_credentials
        self.add_insecure_port(address)

    async def start(self) -> None:
        if self._state is not ChannelConnectivity.IDLE:
            raise aio.UsageError("Server already started")
        self._become(ChannelConnectivity.READY)

    async def stop(self, grace: float | None) -> None:
        """Take no new call; give running ones ``grace`` seconds, then end them with UNAVAILABLE."""
        self._become(ChannelConnectivity.TRANSIENT_FAILURE)
        if grace:
            await _within(grace, self._idle)
        code = grpc.StatusCode.UNAVAILABLE
        tasks = [exchange.task for exchange in self._active if exchange.task is not None]
        for exchange in list(self._active):
            exchange.give_up(Outcome(code=code, details="Cancelling all calls"))
        if tasks:
            await asyncio.wait(tasks)
        self._stopped.set()

    async def wait_for_termination(self, timeout: float | None = None) -> bool:
        """True if the server still runs after ``timeout`` seconds."""
        return not await _within(timeout, self._stopped)

    def connectivity(self) -> Connectivity:
        """For one channel: follows the state of this server."""
        connectivity = Connectivity(self._state)
        self._channels.add(connectivity)
        return connectivity

    def accept(self, exchange: Exchange, request: Any) -> None:
        """Begin to handle a call; ``request`` is None when requests stream."""
        if self._state is not ChannelConnectivity.READY:
            details = "the in-process server is not running"
            exchange.give_up(Outcome(code=grpc.StatusCode.UNAVAILABLE, details=details))
            return
        # As in grpc.aio, interceptors and handler begin with an empty context of their own.
        exchange.task = asyncio.get_running_loop().create_task(
            self._handle(exchange, request), context=Context()
        )
        self._active.add(exchange)
        self._idle.clear()
        exchange.task.add_done_callback(partial(self._handled, exchange))

    async def _handle(self, exchange: Exchange, request: Any) -> None:
        try:
            handler = await self._resolve(_CallDetails(exchange.method, exchange.metadata))
            if handler is None:
                code = grpc.StatusCode.UNIMPLEMENTED
                exchange.finish(Outcome(code=code, details="Method not found!"))
            else:
                await run_handler(handler, exchange, request)
        except Exception as error:  # noqa: BLE001 - a broken interceptor must not leave its caller waiting
            details = f"Unexpected {type(error)}: {error}"
            exchange.finish(Outcome(code=grpc.StatusCode.UNKNOWN, details=details))

    def _handled(self, exchange: Exchange, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            # The client's doing, and then this says nothing new; or the handler's own.
            details = "The handler was cancelled."
            exchange.finish(Outcome(code=grpc.StatusCode.CANCELLED, details=details))
        self._active.discard(exchange)
        if not self._active:
            self._idle.set()

    async def _find(self, details: grpc.HandlerCallDetails) -> Handler | None:
        if (registered := self._registered.get(details.method)) is not None:
            return registered
        for generic in self._generic:
            if (handler := generic.service(details)) is not None:
                return handler
        return None

    def _become(self, state: ChannelConnectivity) -> None:
        self._state = state
        for connectivity in self._channels:
            connectivity.become(state)


async def _within(timeout: float | None, event: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(event.wait(), timeout)
    except TimeoutError:
        return False
    return True
