"""What a store URL says, and the account, database and container behind it.

    cosmos://ACCOUNT.documents.azure.com/DATABASE?container=NAME&throughput=400

The account's key comes from the environment (``COSMOS_KEY``, or what ``key_env`` names), where no list of processes
shows it; a key in the URL (``cosmos://:KEY@...``) works too.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos import PartitionKey, ThroughputProperties
from azure.cosmos.aio import ContainerProxy, CosmosClient
from azure.cosmos.documents import DatabaseAccount
from azure.cosmos.exceptions import CosmosResourceExistsError

from understudy_server.store.cosmos.credentials import KEY_VARIABLE
from understudy_server.store.cosmos.sending import CONNECT_TIMEOUT, TIMEOUT

CONTAINER = "understudy"
LEAST_THROUGHPUT, LEAST_AUTOSCALE = 400, 1000
"""RU/s that Cosmos DB allows at least."""

PARAMETERS = ("container", "throughput", "max_throughput", "key_env", "tls")

_NAME = re.compile(r"[^/\\?#]{1,255}(?<! )")

INDEXED = ("/pk/?", "/all/?", "/list/?", "/dirs/*", "/due/?", "/log/?", "/end/?", "/dropped/?")
"""Every property that is looked for. Bodies are not: an index over them would cost more than they do."""

INDEXING: Mapping[str, Any] = {
    "indexingMode": "consistent",
    "automatic": True,
    "includedPaths": [{"path": path} for path in INDEXED],
    "excludedPaths": [{"path": "/*"}],
}

Properties: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What a store URL and the environment say."""

    endpoint: str
    loopback: bool
    key: str = field(repr=False)
    database: str
    container: str
    throughput: int | None = None
    """RU/s for a container that has to be made; None leaves it to the account or the database."""
    max_throughput: int | None = None
    """The same, scaled by Cosmos DB up to this."""


def parse_url(url: str, environment: Mapping[str, str]) -> Address:
    """Pure. Raises ``ValueError``, naming what is wrong."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    parameters = dict(pairs)
    if unknown := sorted(parameters.keys() - set(PARAMETERS)):
        raise ValueError(f"unknown parameter {unknown[0]!r}; there are: {', '.join(PARAMETERS)}")
    if len(parameters) < len(pairs):
        raise ValueError("a parameter is given twice")
    if parts.fragment:
        raise ValueError("'#' is not understood")
    if not parts.hostname:
        raise ValueError(
            "must name the account's host: cosmos://ACCOUNT.documents.azure.com/DATABASE"
        )
    if parts.username:
        raise ValueError("Cosmos DB has no users; a key stands behind a colon: cosmos://:KEY@HOST")
    loopback = _is_loopback(parts.hostname)
    database = unquote(parts.path.removeprefix("/"))
    container = parameters.get("container", CONTAINER)
    for what, name in (("database", database), ("container", container)):
        if not _NAME.fullmatch(name):
            raise ValueError(f"the {what} must have a name of 1 to 255 characters without / \\ ? #")
    if "throughput" in parameters and "max_throughput" in parameters:
        raise ValueError("throughput and max_throughput exclude each other")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    scheme = "https" if _tls(parameters, loopback=loopback) else "http"
    return Address(
        endpoint=f"{scheme}://{host}:{parts.port or 443}/",
        loopback=loopback,
        key=_key(parts.password, parameters.get("key_env", KEY_VARIABLE), environment),
        database=database,
        container=container,
        throughput=_throughput(parameters, "throughput", LEAST_THROUGHPUT, 100),
        max_throughput=_throughput(parameters, "max_throughput", LEAST_AUTOSCALE, 1000),
    )


def connect(address: Address, transport: AioHttpTransport) -> CosmosClient:
    """A client that tries everything once; it connects when it is used."""
    return CosmosClient(
        address.endpoint,
        credential=address.key,
        transport=transport,
        # An emulator tells addresses that are right only inside of its own network.
        enable_endpoint_discovery=not address.loopback,
        connection_timeout=CONNECT_TIMEOUT,
        read_timeout=TIMEOUT,
        retry_total=0,
        retry_connect=0,
        retry_read=0,
    )


async def open_container(
    client: CosmosClient, address: Address
) -> tuple[ContainerProxy, Properties]:
    """The container, made if it is missing, with its properties. Raises ``AzureError`` and errors of the store."""
    try:
        return await _open_container(client, address)
    except CosmosResourceExistsError:
        # Another core made it in the same moment.
        return await _open_container(client, address)


async def _open_container(
    client: CosmosClient, address: Address
) -> tuple[ContainerProxy, Properties]:
    database = await client.create_database_if_not_exists(address.database)
    options: dict[str, Any] = {}
    if address.throughput:
        options["offer_throughput"] = address.throughput
    elif address.max_throughput:
        most = address.max_throughput
        options["offer_throughput"] = ThroughputProperties(auto_scale_max_throughput=most)
    container = await database.create_container_if_not_exists(
        address.container,
        PartitionKey(path="/pk"),
        indexing_policy=dict(INDEXING),
        # On, without a default: only what asks for it expires, which is nothing that a user stored.
        default_ttl=-1,
        **options,
    )
    return container, await container.read()


async def read_account(client: CosmosClient) -> DatabaseAccount:
    # The public method of the client without ``aio`` has this name without the underscore.
    return await client._get_database_account()  # noqa: SLF001


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tls(parameters: Mapping[str, str], *, loopback: bool) -> bool:
    tls = parameters.get("tls", "true")
    if tls not in {"true", "false"}:
        raise ValueError("tls must be true or false")
    if tls == "false" and not loopback:
        raise ValueError("tls=false is only for an emulator on this machine")
    return tls == "true"


def _key(in_url: str | None, variable: str, environment: Mapping[str, str]) -> str:
    key = unquote(in_url) if in_url else environment.get(variable, "")
    where = "in the URL" if in_url else f"in the environment variable {variable}"
    if not key:
        raise ValueError(f"there is no key {where}")
    try:
        base64.b64decode(key, validate=True)
    except binascii.Error:
        raise ValueError(f"the key {where} is not base64, as the keys of Cosmos DB are") from None
    return key


def _throughput(parameters: Mapping[str, str], name: str, least: int, unit: int) -> int | None:
    if name not in parameters:
        return None
    text = parameters[name]
    if not (text.isascii() and text.isdecimal()) or int(text) < least or int(text) % unit:
        raise ValueError(f"{name} must be a multiple of {unit}, at least {least} (RU/s)")
    return int(text)
