"""The names by which older façades of the Assistants API choose their store. Pure.

    DATABASE_PROVIDER=redis     (also when it is not set, and REDIS_URL is)      REDIS_URL
    DATABASE_PROVIDER=cosmos                            COSMOS_ENDPOINT, COSMOS_KEY, COSMOS_DATABASE_ID
    DATABASE_PROVIDER=sqlite, memory

`PORT` and `OPENAI_API_KEY` mean here what they meant there. What those façades stored is not read: it has other names,
and stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, quote, urlsplit

PROVIDERS = ("redis", "cosmos", "sqlite", "memory")
DATABASE = "assistants-api"
"""Of Cosmos DB, where `COSMOS_DATABASE_ID` is not set."""

_SPELLINGS = {"cosmosdb": "cosmos", "sqlite3": "sqlite", "in-memory": "memory"}
_REDIS = ("redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def store_of(variables: Mapping[str, str]) -> str | None:
    """The store URL that the names mean; None: the default one.

    Raises ``ValueError``, which begins with the name that is wrong or missing. Never shows a value that
    may hold a password.
    """
    chosen = variables.get("DATABASE_PROVIDER", "").strip().lower()
    if not chosen and variables.get("REDIS_URL"):
        chosen = "redis"
    match _SPELLINGS.get(chosen, chosen):
        case "" | "sqlite":
            return None
        case "memory":
            return "memory://"
        case "redis":
            return _redis(variables)
        case "cosmos":
            return _cosmos(variables)
        case _:
            raise ValueError(
                f"DATABASE_PROVIDER: '{chosen}' is none of {', '.join(PROVIDERS)}; UNDERSTUDY_STORE names "
                "any other store by its URL"
            )


def with_key(url: str, environment: Mapping[str, str], variables: Mapping[str, str]) -> str:
    """A Cosmos DB URL with the account's key, when only a `.env` file has it; any other URL as it is.

    ``environment`` is that of the process, which the store reads itself; ``variables`` has the file's too.
    """
    parts = urlsplit(url)
    name = parse_qs(parts.query).get("key_env", ["COSMOS_KEY"])[-1]
    if parts.scheme != "cosmos" or parts.password or environment.get(name):
        return url
    if not variables.get(name):
        return url
    _, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f":{quote(variables[name], safe='')}@{host}").geturl()


def _redis(variables: Mapping[str, str]) -> str:
    url = _needed("REDIS_URL", "redis", variables)
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in _REDIS:
        raise ValueError("REDIS_URL: must begin with redis:// or rediss://")
    return url


def _cosmos(variables: Mapping[str, str]) -> str:
    endpoint = _needed("COSMOS_ENDPOINT", "cosmos", variables)
    _needed("COSMOS_KEY", "cosmos", variables)
    database = variables.get("COSMOS_DATABASE_ID", "").strip() or DATABASE
    wrong = ValueError(
        f"COSMOS_ENDPOINT: '{endpoint}' is not like https://ACCOUNT.documents.azure.com:443/"
    )
    try:
        parts = urlsplit(endpoint)
        _ = parts.port  # raises for what is no port
    except ValueError:
        raise wrong from None
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.path.strip("/"):
        raise wrong
    if parts.username or parts.password or parts.query:
        raise ValueError(
            "COSMOS_ENDPOINT: must be an address only; the key belongs into COSMOS_KEY"
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("COSMOS_ENDPOINT: http is only for an emulator on this machine; use https")
    # Each scheme has a port of its own; the store's URL has one for both.
    netloc = (
        parts.netloc if parts.port else f"{parts.netloc}:{80 if parts.scheme == 'http' else 443}"
    )
    tls = "?tls=false" if parts.scheme == "http" else ""
    return f"cosmos://{netloc}/{quote(database, safe='')}{tls}"


def _needed(name: str, provider: str, variables: Mapping[str, str]) -> str:
    value = variables.get(name, "").strip()
    if not value:
        raise ValueError(f"{name}: is not set, and DATABASE_PROVIDER={provider} needs it")
    return value
