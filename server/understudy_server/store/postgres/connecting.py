"""Connections to the server, each set up for what it is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import asyncpg

from understudy_server.store.postgres.address import STATEMENTS, Address

TIMEOUT = 5.0
"""Seconds to make a connection, for an answer, and to wait for a free connection."""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

OLDEST = 14
"""The major version of the oldest server that is supported."""

_SESSION = """
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET enable_sort = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET jit = off;
    SET statement_timeout = '4500ms';
"""
"""Every statement here follows an index. A plan is made once for each connection, perhaps while the tables are still
empty, so it must not depend on what they hold. What takes too long is ended by the server before ``TIMEOUT`` is over:
then it is known that nothing has happened."""


_ARRAYS = tuple(
    {"oid": oid, "ns": "pg_catalog", "name": f"_{name}", "kind": b"b", "elemtype": element}
    | {"elemtype_name": name, "elemdelim": ",", "basetype": None, "range_subtype": None}
    | {"attrtypoids": None, "attrnames": None}
    for oid, name, element in ((1001, "bytea", 17), (1016, "int8", 20))
)
"""Types that PostgreSQL has always had, and which asyncpg would ask each new connection about: with a query that takes
seconds where the server compiles it, and with settings that it would leave behind in a proxy's session."""


class Asking(Protocol):
    """What the pool wants of a connection."""

    async def fetch(self, query: str, *args: Any) -> Sequence[Any]: ...

    def is_closed(self) -> bool: ...

    async def close(self) -> None: ...

    def terminate(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How to talk to what is at the other end of a connection."""

    session: bool
    """Whether a connection is one session of the server from its beginning to its end."""
    listen: bool
    statements: int
    """Prepared statements that a connection keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """About a server."""

    version: int
    """The major one."""
    proxied: bool
    """Whether something stands between it and us that has a process id of its own."""


def manner(address: Address, *, proxied: bool) -> Manner:
    """Pure."""
    session = not proxied if address.notify == "auto" else address.notify == "listen"
    statements = address.statement_cache_size
    if statements is None:
        statements = STATEMENTS if session else 0
    return Manner(session=session, listen=session, statements=statements)


async def connect(address: Address, how: Manner) -> Connection:
    """Raises ``OSError``, ``asyncpg.PostgresError`` or ``asyncpg.InterfaceError``."""
    connection = await asyncpg.connect(
        address.url,
        timeout=TIMEOUT,
        statement_cache_size=how.statements,
        max_cached_statement_lifetime=0,
    )
    connection.get_settings().register_data_types(_ARRAYS)
    if how.session:
        try:
            await connection.execute(_SESSION, timeout=TIMEOUT)
        except BaseException:
            connection.terminate()
            raise
    return connection


PLAIN = Manner(session=False, listen=False, statements=0)
"""Works with anything."""


async def facts(connection: Connection) -> Facts:
    # The first thing that a server says on a connection is its process id. A proxy makes one up.
    row = await connection.fetchrow(
        "SELECT current_setting('server_version_num')::int / 10000, pg_backend_pid()",
        timeout=TIMEOUT,
    )
    assert row is not None
    return Facts(version=row[0], proxied=row[1] != connection.get_server_pid())
