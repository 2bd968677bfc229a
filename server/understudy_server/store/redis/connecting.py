"""The two kinds of server behind one shape: a single Redis, and a Cluster of them.

    redis://[user:password@]host:6379/0          rediss:// with TLS
    redis+cluster://host:7000                    rediss+cluster:// with TLS; any of its nodes

Parameters behind a question mark: ``prefix``, and those of ``PASSED_ON``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

PREFIX = "understudy"
TIMEOUT = 5.0
"""Seconds to make a connection, and for an answer."""

PASSED_ON = frozenset(
    {"client_name", "ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname"}
    | {"ssl_keyfile"}
)
"""Parameters of a URL that mean what the ``redis`` package says."""

SCHEMES = ("redis", "rediss", "redis+cluster", "rediss+cluster")

Client: TypeAlias = "Redis | RedisCluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What a store URL says."""

    url: str
    """As the ``redis`` package reads it."""
    cluster: bool
    prefix: str


def parse_url(url: str) -> Address:
    """Raises ``ValueError``, naming what is wrong."""
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    prefix = parameters.pop("prefix", PREFIX)
    if unknown := sorted(parameters.keys() - PASSED_ON):
        raise ValueError(f"unknown parameter {unknown[0]!r}")
    if not prefix or not prefix.isascii() or set(prefix) & set("{}"):
        raise ValueError("prefix must be a word of ASCII characters without braces")
    if not parts.hostname:
        raise ValueError("it must name a host")
    _ = parts.port  # raises for what is no port
    database = parts.path.strip("/")
    if not (database.isascii() and database.isdecimal()) and database:
        raise ValueError("the database must be a number")
    if kind and database not in {"", "0"}:
        raise ValueError("a Cluster has no numbered databases")
    plain = parts._replace(scheme=scheme, query=urlencode(parameters)).geturl()
    return Address(url=plain, cluster=bool(kind), prefix=prefix)


def connect(address: Address) -> Client:
    """A client; it connects when it is used."""
    if address.cluster:
        # This client repeats what failed, which it must to follow keys that moved. A commit that happens twice
        # meets a conflict with itself, which the callers of ``Store.commit`` have to expect anyway.
        return RedisCluster.from_url(
            address.url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
        )
    return _single(address.url)


def _single(url: str, **options: Any) -> Redis:
    return Redis.from_url(
        url,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 0),
        **options,
    )


async def server_settings(client: Client, names: Sequence[str]) -> Sequence[Mapping[str, str]]:
    """Of every server that keeps data. Raises ``RedisError`` or ``OSError``."""
    if isinstance(client, RedisCluster):
        found: Any = await client.config_get(*names, target_nodes=RedisCluster.PRIMARIES)
        # By node, unless there is only one.
        return list(found.values()) if len(client.get_primaries()) > 1 else [found]
    one: Any = await client.config_get(*names)
    return [one]


class ChannelListener:
    """One connection, subscribed to one channel. On a Cluster every node passes every message on."""

    def __init__(self, client: Client, channel: str) -> None:
        self._client = client
        self._channel = channel
        self._subscription: PubSub | None = None

    async def open(self) -> None:
        """Return when the server has confirmed. Raises ``RedisError`` or ``OSError``."""
        if isinstance(self._client, RedisCluster):
            await self._client.initialize()
        subscription = self._client.pubsub()
        try:
            await subscription.subscribe(self._channel)
            while (await self._next(subscription))["type"] != "subscribe":
                pass
        except BaseException:
            await _end(subscription)
            raise
        self._subscription = subscription

    async def receive(self) -> bytes:
        """The next message; raises ``RedisError`` or ``OSError`` when the connection is lost."""
        assert self._subscription is not None
        while True:
            message = await self._next(self._subscription)
            if message["type"] == "message":
                data: bytes = message["data"]
                return data

    async def close(self) -> None:
        if self._subscription is not None:
            subscription, self._subscription = self._subscription, None
            await _end(subscription)

    async def _next(self, subscription: PubSub) -> dict[str, Any]:
        message = await subscription.get_message(timeout=TIMEOUT)
        if message is None:
            # Silence may be a dead connection, so something is asked that has an answer.
            await subscription.ping()
            message = await subscription.get_message(timeout=TIMEOUT)
        if message is None:
            raise TimeoutError("no answer to a ping")
        return dict(message)


async def _end(subscription: PubSub) -> None:
    # The package leaves this one method without types.
    await subscription.aclose()  # type: ignore[no-untyped-call]
