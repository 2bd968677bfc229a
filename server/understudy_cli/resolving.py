"""From flags, environment and file to the value of every setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from understudy_cli.older_names import store_of
from understudy_cli.setting import Setting, SettingsError
from understudy_cli.settings import DEFAULT_FILES, DEFAULT_STORE, SETTINGS


def resolve(
    flags: Mapping[str, str | None], environment: Mapping[str, str], table: Mapping[str, Any]
) -> dict[str, Any]:
    """Every setting's value by its name. Raises ``SettingsError``, also for an unknown key of ``table``."""
    known = {setting.name for setting in SETTINGS}
    for key in table:
        if key not in known:
            raise SettingsError(f"[server] {key}: no such setting")
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text, origin = _find(setting, flags, environment, table)
        try:
            values[setting.name] = setting.parse(text)
        except ValueError as error:
            # A key must not be printed, not even one that is written wrongly.
            shown = "" if setting.name == "api_keys" else f" '{text}'"
            raise SettingsError(f"{origin}:{shown} is wrong: {error}") from None
    if values["store"] == DEFAULT_STORE:
        values["store"] = _older(environment) or f"sqlite:///{values['data']}/understudy.db"
    if values["files"] == DEFAULT_FILES:
        # Bytes that outlive the records which name them would stay for ever.
        in_memory = values["store"].startswith("memory:")
        values["files"] = "memory:" if in_memory else f"{values['data']}/files"
    return values


def _older(environment: Mapping[str, str]) -> str | None:
    try:
        return store_of(environment)
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _find(
    setting: Setting,
    flags: Mapping[str, str | None],
    environment: Mapping[str, str],
    table: Mapping[str, Any],
) -> tuple[str, str]:
    flag = flags.get(setting.name)
    if flag is not None:
        return flag, f"--{setting.name.replace('_', '-')}"
    for name in setting.env:
        # Set to nothing counts as not set, as everywhere in shells and .env files.
        if environment.get(name):
            return environment[name], name
    if setting.name in table:
        return _text(table[setting.name]), f"[server] {setting.name}"
    return setting.default, setting.name


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)
