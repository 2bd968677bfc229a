"""Which backend a store URL means. The only file that names all of them.

    memory://                  in this process; gone when it ends
    sqlite:///data/store.db    a file, relative to the working folder (three slashes)
    sqlite:////srv/store.db    a file by its absolute path (four slashes)
    sqlite:///data/store.db?shared=true
                               the same file for several servers on one machine, all of which say so
    redis://user:password@host:6379/0
                               Redis; `rediss://` with TLS, `redis+cluster://` for a Cluster
    redis+sentinel://user:password@host:26379,host:26379/SERVICE/0
                               the Redis that Sentinels on these hosts watch; `rediss+sentinel://` with TLS
    cosmos://ACCOUNT.documents.azure.com/DATABASE
                               Azure Cosmos DB; its key in the environment variable COSMOS_KEY
    postgresql://user:password@host/database?schema=understudy
                               PostgreSQL; `postgres://` is the same

The number of slashes is read as SQLAlchemy, and with it most Python programs, reads it.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from understudy_server.clock import Clock
from understudy_server.store.copying.marker import refuse_half_copy
from understudy_server.store.memory import MemoryStore
from understudy_server.store.port import Store
from understudy_server.store.shown_url import shown_url
from understudy_server.store.sqlite import SqliteStore


class InvalidStoreUrl(ValueError):
    """A mistake in the configuration; the text says what to write instead."""


class SqliteFile(NamedTuple):
    """What a ``sqlite://`` URL says."""

    path: Path
    shared: bool
    """Whether other servers on this machine use the file at the same time."""


async def open_store(
    url: str, clock: Clock, *, beside: bool = False, unfinished: bool = False
) -> Store:
    """Raises ``InvalidStoreUrl``, or ``StoreUnavailable`` when the store does not open.

    ``unfinished``: for the copy itself, which opens what nobody else may: a store that is half copied.

    ``beside``: for a tool that works beside the servers, whether they share the store or not: it takes
    no lock. Its commits and reads are as safe as theirs. Servers that do not share their file get no
    wake-ups for what it commits.
    """
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in _OPENERS:
        known = ", ".join(f"{name}://" for name in _OPENERS)
        raise InvalidStoreUrl(f"the store URL {shown_url(url)!r} must begin with one of: {known}")
    store = await _OPENERS[scheme](url, clock, beside)
    if not unfinished:
        try:
            await refuse_half_copy(store)
        except BaseException:
            await store.close()
            raise
    return store


async def _open_memory(url: str, clock: Clock, beside: bool) -> Store:
    del beside
    if url != "memory://":
        raise InvalidStoreUrl(f"the store URL {url!r} must end after memory://")
    return MemoryStore(clock)


async def _open_sqlite(url: str, clock: Clock, beside: bool) -> Store:
    file = parse_sqlite(url)
    return await SqliteStore.open(file.path, clock, shared=file.shared, locked=not beside)


async def _open_redis(url: str, clock: Clock, beside: bool) -> Store:
    del beside  # everybody is
    from understudy_server.store.redis.connecting import parse_url
    from understudy_server.store.redis.store import RedisStore

    try:
        address = parse_url(url)
    except ValueError as error:
        raise InvalidStoreUrl(f"the store URL {shown_url(url)!r}: {error}") from None
    return await RedisStore.open(address, clock)


async def _open_cosmos(url: str, clock: Clock, beside: bool) -> Store:
    del beside  # everybody is
    try:
        from understudy_server.store.cosmos.connecting import parse_url
        from understudy_server.store.cosmos.store import CosmosStore
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "azure":
            raise
        raise InvalidStoreUrl(
            "a store in Cosmos DB needs the extra 'cosmos': pip install 'understudy[cosmos]'"
        ) from None

    try:
        address = parse_url(url, os.environ)
    except ValueError as error:
        raise InvalidStoreUrl(f"the store URL {shown_url(url)!r}: {error}") from None
    return await CosmosStore.open(address, clock)


async def _open_postgres(url: str, clock: Clock, beside: bool) -> Store:
    del beside  # everybody is
    try:
        from understudy_server.store.postgres.address import parse_url
        from understudy_server.store.postgres.store import PostgresStore
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise InvalidStoreUrl(
            "a store in PostgreSQL needs the extra 'postgres': pip install 'understudy[postgres]'"
        ) from None

    try:
        address = parse_url(url)
    except ValueError as error:
        raise InvalidStoreUrl(f"the store URL {shown_url(url)!r}: {error}") from None
    return await PostgresStore.open(address, clock)


_Opener: TypeAlias = Callable[[str, Clock, bool], Awaitable[Store]]

_OPENERS: Mapping[str, _Opener] = {
    "memory": _open_memory,
    "sqlite": _open_sqlite,
    "redis": _open_redis,
    "rediss": _open_redis,
    "redis+sentinel": _open_redis,
    "rediss+sentinel": _open_redis,
    "redis+cluster": _open_redis,
    "rediss+cluster": _open_redis,
    "cosmos": _open_cosmos,
    "postgresql": _open_postgres,
    "postgres": _open_postgres,
}
"""By the URL's scheme. What needs a package of its own imports it when it is asked for."""


def parse_sqlite(url: str) -> SqliteFile:
    """Pure. Raises ``InvalidStoreUrl`` for anything that is not a whole ``sqlite://`` URL."""
    start, _, rest = url.partition(":///")
    path, question, query = rest.partition("?")
    if start != "sqlite" or not path or path.endswith("/"):
        raise InvalidStoreUrl(
            f"the store URL {url!r} must be sqlite:///RELATIVE/FILE or sqlite:////ABSOLUTE/FILE"
        )
    if path == ":memory:":
        raise InvalidStoreUrl("a store that lives in memory only is called memory://")
    if "#" in rest:
        raise InvalidStoreUrl(f"the store URL {url!r} must not contain a '#'")
    return SqliteFile(Path(path), shared=bool(question) and _parse_shared(url, query))


def _parse_shared(url: str, query: str) -> bool:
    values = []
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if name != "shared":
            raise InvalidStoreUrl(
                f"the store URL {url!r} has a parameter {name!r}; the only one is 'shared'"
            )
        values.append(value)
    if values not in (["true"], ["false"]):
        raise InvalidStoreUrl(
            f"the store URL {url!r}: 'shared' must be true or false, and be given once"
        )
    return values == ["true"]
