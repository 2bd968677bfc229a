"""A Redis behind Sentinels, which are asked for the present primary whenever a connection is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection, parse_url
from redis.asyncio.sentinel import (
    MasterNotFoundError,
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.exceptions import ReadOnlyError, RedisError

PORT = 26379
"""Where a Sentinel listens, unless the URL says otherwise."""

TIMEOUT = 1.0
"""Seconds for one Sentinel. Several are asked in turn, within the time that the store's call has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinels:
    """Whom to ask, and for what."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    """The name under which they watch the primary."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_hosts(text: str) -> tuple[tuple[str, int], ...]:
    """Pure: ``host:port,host``. Raises ``ValueError``."""
    hosts = []
    for each in text.split(","):
        parts = urlsplit(f"//{each}")
        if not parts.hostname:
            raise ValueError("it must name the host of each Sentinel, joined by commas")
        hosts.append((parts.hostname, parts.port or PORT))
    return tuple(hosts)


def primary_of(sentinels: Sentinels, url: str, **options: Any) -> Redis:
    """A client for whichever server is the primary; it connects when it is used.

    ``url`` has everything but the server's address; ``options`` are those of a connection.
    """
    wanted: dict[str, Any] = {**parse_url(url), **options}
    tls = wanted.pop("connection_class", None) is not None
    for name in ("host", "port"):
        wanted.pop(name, None)
    own = {name: value for name, value in wanted.items() if name.startswith("ssl_")}
    asked: dict[str, Any] = {
        **(own if tls else {}),
        "ssl": tls,
        "username": sentinels.username,
        "password": sentinels.password,
        "retry": options["retry"],
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": TIMEOUT,
    }
    # The package leaves this class without types.
    asking = _Asking(sentinels.hosts, sentinel_kwargs=asked)  # type: ignore[no-untyped-call]
    client: Redis = asking.master_for(
        sentinels.service,
        connection_pool_class=_Pool,
        connection_class=_TlsConnection if tls else _Connection,
        **wanted,
    )
    return client


async def close(client: Redis) -> None:
    """Close the client, and its connections to the Sentinels."""
    await client.aclose()
    if isinstance(client.connection_pool, _Pool):
        for sentinel in client.connection_pool.sentinel_manager.sentinels:
            await sentinel.aclose()


class _Asking(Sentinel):
    """The package's own class says neither what went wrong nor where, and shows its settings instead."""

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        answers = []
        for sentinel in list(self.sentinels):
            try:
                primaries: Any = await sentinel.sentinel_masters()
            except (RedisError, OSError) as error:
                answer = str(error)
            else:
                state = primaries.get(service_name)
                if state and self.check_master_state(state, service_name):
                    # The next time this one is asked first.
                    self.sentinels.remove(sentinel)
                    self.sentinels.insert(0, sentinel)
                    return str(state["ip"]), int(state["port"])
                answer = "its primary is down" if state else "it does not watch this service"
            place = sentinel.connection_pool.connection_kwargs
            answers.append(f"{place['host']}:{place['port']} ({answer})")
        raise MasterNotFoundError(
            f"no Sentinel tells a primary of {service_name!r}: {', '.join(answers)}"
        )


class _Connection(SentinelManagedConnection):
    """The package's own class takes a READONLY for a lost connection, and the answers beside it are lost."""

    demoted = False

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            # Not the method that is next in line, which is the one to be replaced.
            return await super(SentinelManagedConnection, self).read_response(*args, **options)
        except ReadOnlyError:
            self.demoted = True
            raise


class _TlsConnection(_Connection, SentinelManagedSSLConnection):
    pass


class _Pool(SentinelConnectionPool):
    async def release(self, connection: AbstractConnection) -> None:
        if isinstance(connection, _Connection) and connection.demoted:
            connection.demoted = False
            await connection.disconnect()
        await super().release(connection)
