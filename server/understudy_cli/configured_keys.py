"""Keys that the configuration file gives: `[keys.NAME]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from understudy_server.auth.scopes import parse_scopes
from understudy_server.config import ConfiguredKey
from understudy_server.limits.key_limits import KeyLimits
from understudy_server.models.config_table import ConfigError, Table


def load_keys(tables: Mapping[str, Any], variables: Mapping[str, str]) -> tuple[ConfiguredKey, ...]:
    """``tables``: by name. The key itself is in the environment. Raises ``ConfigError``."""
    top = Table("keys", tables)
    found = tuple(_key(top.table(name), variables) for name in top.names())
    if len({key.key for key in found}) < len(found):
        raise ConfigError("keys: two of them are the same key")
    return found


def _key(table: Table, variables: Mapping[str, str]) -> ConfiguredKey:
    variable = table.text("key_env")
    if variable is None:
        raise ConfigError(f"{table.path}.key_env: must name the variable that holds the key")
    key = variables.get(variable)
    if not key:
        raise ConfigError(f"{table.path}.key_env: {variable} is not set")
    scopes = table.words("scopes")
    try:
        allowed = () if scopes is None else parse_scopes(scopes)
    except ValueError as error:
        raise ConfigError(f"{table.path}.scopes: {error}") from None
    given = ConfiguredKey(
        key=key,
        project=table.text("project") or "default",
        scopes=allowed,
        limits=KeyLimits(
            requests_per_minute=table.count("requests_per_minute") or 0,
            concurrent_runs=table.count("concurrent_runs") or 0,
            tokens_per_day=table.count("tokens_per_day") or 0,
            models=table.words("models") or (),
        ),
    )
    table.finish()
    return given
