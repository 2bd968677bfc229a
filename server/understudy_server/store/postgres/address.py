"""What a store URL says. Pure.

postgresql://[user[:password]@]host[:port][,host...]/database?schema=understudy&pool=10
postgresql:///database?host=/var/run/postgresql          a Unix socket
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

SCHEMA = "understudy"
POOL = 10
STATEMENTS = 100
"""Prepared statements that a connection keeps; there are about a dozen."""

PASSED_ON = frozenset(
    {"application_name", "host", "port", "user", "passfile", "target_session_attrs"}
    | {"sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl"}
    | {"ssl_min_protocol_version", "ssl_max_protocol_version"}
)
"""Parameters of a URL that mean what PostgreSQL's own clients say."""

_CHOICES = {
    "notify": ("auto", "listen", "poll"),
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": ("any", "primary", "read-write"),
}
_NUMBERS = {"pool": (1, 1_000), "statement_cache_size": (0, 1_000)}
_OWN = frozenset({"schema", "pool", "notify", "statement_cache_size"})

_Parameters: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    url: str
    """As the ``asyncpg`` package reads it."""
    schema: str = SCHEMA
    pool: int = POOL
    """Connections for requests; one more is for wake-ups."""
    notify: str = "auto"
    """``listen``, ``poll``, or ``auto``: poll behind a proxy."""
    statement_cache_size: int | None = None
    """Prepared statements that a connection keeps; None: as the connection allows."""


def parse_url(url: str) -> Address:
    """Raises ``ValueError``, naming what is wrong."""
    parts = urlsplit(url)
    if parts.fragment:
        raise ValueError("a '#' in it must be written as %23")
    parameters = _parameters(parts.query)
    own = {name: parameters.pop(name) for name in _OWN & parameters.keys()}
    if unknown := sorted(parameters.keys() - PASSED_ON):
        raise ValueError(f"unknown parameter {unknown[0]!r}")
    schema = own.get("schema", SCHEMA)
    # A schema's name is also the channel's, and stands in statements: nothing in it may need a quote or an escape.
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema, re.ASCII) or schema.startswith("pg_"):
        raise ValueError("schema must be a lowercase word of letters, digits and _")
    for name, choices in _CHOICES.items():
        value = (own | parameters).get(name, choices[0])
        if value not in choices:
            raise ValueError(f"{name} must be one of: {', '.join(choices)}")
    cache = own.get("statement_cache_size")
    query = f"?{urlencode(parameters)}" if parameters else ""
    return Address(
        url=url.partition("?")[0] + query,
        schema=schema,
        pool=_number("pool", own.get("pool", str(POOL))),
        notify=own.get("notify", "auto"),
        statement_cache_size=None if cache is None else _number("statement_cache_size", cache),
    )


def _parameters(query: str) -> _Parameters:
    pairs = parse_qsl(query, keep_blank_values=True)
    names = [name for name, _ in pairs]
    if again := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{again[0]} is given twice")
    return dict(pairs)


def _number(name: str, value: str) -> int:
    low, high = _NUMBERS[name]
    if not (value.isascii() and value.isdecimal() and low <= int(value) <= high):
        raise ValueError(f"{name} must be a number from {low} to {high}")
    return int(value)
