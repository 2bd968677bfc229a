"""Stores that cores share over a network, which comes between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from tests.background import BackgroundLoop
from tests.relay import Link
from tests.store.cosmos.emulator import emulator, url
from tests.store.postgres.servers import USER, postgres
from tests.store.redis.servers import lasting_redis


class Server(Protocol):
    """Keeps all that it confirmed."""

    def start(self) -> None: ...

    def stop(self) -> None:
        """At once: connections are cut, and nothing is finished."""
        ...


class NetworkStore:
    """A server, and the only way to it."""

    def __init__(
        self,
        url: str,
        server: Server | None,
        link: Link,
        loop: BackgroundLoop,
        *,
        deadline: float = 5.0,
    ) -> None:
        self.url = url
        """For cores, through the link."""
        self.server = server
        """None if it would forget everything."""
        self.deadline = deadline
        """Seconds that a core waits for an answer."""
        self._link = link
        # Not on the loop of the tests, which stand still while they start what connects to it.
        self._loop = loop

    def go_away(self) -> None:
        """Until ``come_back``."""
        if self.server is None:
            self.refuse()
        else:
            self.server.stop()

    def come_back(self) -> None:
        if self.server is None:
            self.pass_on()
        else:
            self.server.start()

    def refuse(self) -> None:
        self._do(self._link.refuse)

    def hold_requests(self) -> None:
        self._do(self._link.hold_requests)

    def hold_answers(self) -> None:
        self._do(self._link.hold_answers)

    def cut(self) -> None:
        self._do(self._link.cut)

    def pass_on(self) -> None:
        self._do(self._link.pass_on)

    def _do(self, act: Callable[[], Any]) -> None:
        self._loop.run(_at_once(act))


async def _at_once(act: Callable[[], Any]) -> None:
    act()


Backend: TypeAlias = Callable[[Path], AbstractContextManager[NetworkStore]]


@contextmanager
def redis(folder: Path) -> Iterator[NetworkStore]:
    with lasting_redis(folder) as server, _linked(server.port) as (link, loop):
        yield NetworkStore(f"redis://{link.address}", server, link, loop)


@contextmanager
def postgresql(folder: Path) -> Iterator[NetworkStore]:
    del folder  # root's, which its server cannot be
    with postgres() as server, _linked(server.socket) as (link, loop):
        url = f"postgresql://{USER}@{link.address}/postgres?sslmode=disable"
        yield NetworkStore(url, server, link, loop)


@contextmanager
def cosmos(folder: Path) -> Iterator[NetworkStore]:
    del folder  # its emulator keeps nothing
    with emulator() as port, _linked(port) as (link, loop):
        address = url(int(link.address.rpartition(":")[2]), "chaos")
        yield NetworkStore(address, None, link, loop, deadline=10.0)


@contextmanager
def _linked(server: int | Path) -> Iterator[tuple[Link, BackgroundLoop]]:
    with BackgroundLoop() as loop:
        link = Link(server)
        loop.run(link.__aenter__())
        try:
            yield link, loop
        finally:
            loop.run(link.__aexit__())


BACKENDS: Mapping[str, Backend] = {"redis": redis, "postgresql": postgresql, "cosmos": cosmos}
