"""Three arrangements behind one shape: a single Redis, one behind Sentinels, and a Cluster.

    redis://[user:password@]host:6379/0          rediss:// with TLS
    redis+sentinel://[user:password@]host:26379,host/SERVICE/0
                                                 rediss+sentinel:// with TLS, to the Sentinels too
    redis+cluster://host:7000                    rediss+cluster:// with TLS; any of its nodes

Parameters behind a question mark: ``prefix``, those of ``PASSED_ON``, and with Sentinels ``OF_SENTINELS``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from understudy_server.store.redis import sentinels
from understudy_server.store.redis.sentinels import Sentinels
from understudy_server.store.shown_url import shown_url

PREFIX = "understudy"
TIMEOUT = 5.0
"""Seconds to make a connection, and for an answer."""

PASSED_ON = frozenset(
    {"client_name", "ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname"}
    | {"ssl_keyfile"}
)
"""Parameters of a URL that mean what the ``redis`` package says."""

OF_SENTINELS = frozenset({"sentinel_username", "sentinel_password"})
"""Parameters of a URL: as whom to ask the Sentinels. The user before the hosts is that of the primary."""

Client: TypeAlias = "Redis | RedisCluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What a store URL says."""

    url: str
    """As the ``redis`` package reads it. With Sentinels its host means nothing."""
    cluster: bool
    prefix: str
    sentinels: Sentinels | None = None

    def shown(self) -> str:
        """What may be printed and logged."""
        if self.sentinels is None:
            return shown_url(self.url)
        hosts = ",".join(f"{host}:{port}" for host, port in self.sentinels.hosts)
        return f"{urlsplit(self.url).scheme}+sentinel://{hosts}/{self.sentinels.service}"


def parse_url(url: str) -> Address:
    """Raises ``ValueError``, naming what is wrong."""
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    prefix = parameters.pop("prefix", PREFIX)
    of_sentinels = OF_SENTINELS if kind == "sentinel" else frozenset()
    if unknown := sorted(parameters.keys() - PASSED_ON - of_sentinels):
        raise ValueError(f"unknown parameter {unknown[0]!r}")
    if not prefix or not prefix.isascii() or set(prefix) & set("{}"):
        raise ValueError("prefix must be a word of ASCII characters without braces")
    asked: Sentinels | None = None
    if kind == "sentinel":
        parts, asked = _without_sentinels(parts, parameters)
    if not parts.hostname:
        raise ValueError("it must name a host")
    _ = parts.port  # raises for what is no port
    database = parts.path.strip("/")
    if not (database.isascii() and database.isdecimal()) and database:
        raise ValueError("the database must be a number")
    if kind == "cluster" and database not in {"", "0"}:
        raise ValueError("a Cluster has no numbered databases")
    plain = parts._replace(scheme=scheme, query=urlencode(parameters)).geturl()
    return Address(url=plain, cluster=kind == "cluster", prefix=prefix, sentinels=asked)


def _without_sentinels(
    parts: SplitResult, parameters: dict[str, str]
) -> tuple[SplitResult, Sentinels]:
    """The URL as if it were that of a single server, and what was taken out of it and ``parameters``."""
    user, at, hosts = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError("it must name the service behind the hosts: host:26379,host:26379/SERVICE")
    asked = Sentinels(
        hosts=sentinels.parse_hosts(hosts),
        service=unquote(service),
        username=parameters.pop("sentinel_username", None),
        password=parameters.pop("sentinel_password", None),
    )
    if asked.username and not asked.password:
        raise ValueError("sentinel_username needs a sentinel_password")
    return parts._replace(netloc=f"{user}{at}primary", path=f"/{database}"), asked


def connect(address: Address) -> Client:
    """A client; it connects when it is used."""
    if address.cluster:
        # This client repeats what failed, which it must to follow keys that moved. A commit that happens twice
        # meets a conflict with itself, which the callers of ``Store.commit`` have to expect anyway.
        return RedisCluster.from_url(
            address.url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
        )
    options: dict[str, Any] = {
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
    }
    if address.sentinels is not None:
        return sentinels.primary_of(address.sentinels, address.url, **options)
    return Redis.from_url(address.url, **options)


async def disconnect(client: Client) -> None:
    """For good."""
    if isinstance(client, RedisCluster):
        await client.aclose()
    else:
        await sentinels.close(client)


async def server_settings(client: Client, names: Sequence[str]) -> Sequence[Mapping[str, str]]:
    """Of every server that keeps data. Raises ``RedisError`` or ``OSError``."""
    if isinstance(client, RedisCluster):
        found: Any = await client.config_get(*names, target_nodes=RedisCluster.PRIMARIES)
        # By node, unless there is only one.
        return list(found.values()) if len(client.get_primaries()) > 1 else [found]
    one: Any = await client.config_get(*names)
    return [one]
