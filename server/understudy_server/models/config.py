"""Reading ``ModelsConfig`` from a TOML-shaped mapping and the environment. Pure.

default_provider = "openai"
retired_models = "gpt-4o"

[providers.openai]
api_key_env = "OPENAI_API_KEY"
dialect = "responses"

[providers.openai.models."gpt-4o-mini"]
context_window = 128000

[aliases]
"my-old-name" = "gpt-4o"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, get_args

from understudy_server.models.chat_request import MaxTokensField
from understudy_server.models.config_table import ConfigError, Table
from understudy_server.models.provider import (
    DEFAULT_CONTEXT_WINDOW,
    DialectName,
    ModelsConfig,
    ProviderConfig,
)
from understudy_server.models.retired import RETIRED

OPENAI_URL: Final = "https://api.openai.com/v1"
_DEFAULTS: Final = ProviderConfig(name="", dialect="responses")


def load_providers(toml: Mapping[str, Any], env: Mapping[str, str]) -> ModelsConfig:
    """Raises ``ConfigError``, which names the place in the file or the variable at fault.

    Without a ``providers`` table: OpenAI if the environment has ``OPENAI_API_KEY`` or
    ``OPENAI_BASE_URL``, else the demo model. ``retired_models`` is an alias for every name in ``RETIRED``.
    """
    top = Table("", toml)
    tables = top.table("providers")
    providers = tuple(_provider(name, tables.table(name), env) for name in tables.names())
    aliases = {name: top.table("aliases").text(name) or "" for name in top.table("aliases").names()}
    # Off unless a target is set; an alias of one's own comes first.
    target = top.text("retired_models") or env.get("UNDERSTUDY_RETIRED_MODELS")
    if target:
        aliases = dict.fromkeys(RETIRED, target) | aliases
    if not providers:
        providers = (_from_environment(env),)
    default = top.text("default_provider")
    top.finish()
    if default == "demo" and all(provider.name != "demo" for provider in providers):
        providers = (*providers, ProviderConfig(name="demo", dialect="demo"))
    return ModelsConfig(
        providers=providers, default_provider=_default(default, providers), aliases=aliases
    )


def _default(named: str | None, providers: tuple[ProviderConfig, ...]) -> str:
    names = [provider.name for provider in providers]
    if named is None and len(names) > 1:
        raise ConfigError(f"default_provider: must name one of {', '.join(names)}")
    if named is not None and named not in names:
        raise ConfigError(f"default_provider: '{named}' is not one of {', '.join(names)}")
    return named or names[0]


def _from_environment(env: Mapping[str, str]) -> ProviderConfig:
    if not env.get("OPENAI_API_KEY") and not env.get("OPENAI_BASE_URL"):
        return ProviderConfig(name="demo", dialect="demo")
    dialect = env.get("UNDERSTUDY_DIALECT") or "responses"
    if dialect not in ("responses", "chat"):
        raise ConfigError(f"UNDERSTUDY_DIALECT: '{dialect}' is not one of responses, chat")
    return ProviderConfig(
        name="openai",
        dialect="chat" if dialect == "chat" else "responses",
        base_url=_openai_url(env),
        api_key=env.get("OPENAI_API_KEY") or None,
        organization=env.get("OPENAI_ORG_ID") or None,
        project=env.get("OPENAI_PROJECT_ID") or None,
    )


def _provider(name: str, table: Table, env: Mapping[str, str]) -> ProviderConfig:
    if not name or "/" in name:
        raise ConfigError(f"{table.path}: a provider's name is not empty and has no slash")
    dialect: DialectName = table.choice("dialect", get_args(DialectName)) or (
        "demo" if name == "demo" else "responses"
    )
    models = table.table("models")
    windows = {}
    for model in models.names():
        entry = models.table(model)
        if window := entry.count("context_window"):
            windows[model] = window
        entry.finish()
    max_tokens_field: MaxTokensField | None = table.choice(
        "max_tokens_field", get_args(MaxTokensField)
    )
    reasoning_items = table.flag("reasoning_items")
    max_retries = table.count("max_retries", least=0)
    config = ProviderConfig(
        name=name,
        dialect=dialect,
        base_url=_base_url(name, dialect, table, env),
        api_key=_api_key(name, table, env),
        organization=table.text("organization"),
        project=table.text("project"),
        headers=table.texts("headers"),
        query=table.texts("query"),
        context_window=table.count("context_window") or DEFAULT_CONTEXT_WINDOW,
        model_windows=windows,
        connect_timeout=table.seconds("connect_timeout") or _DEFAULTS.connect_timeout,
        stall_timeout=table.seconds("stall_timeout") or _DEFAULTS.stall_timeout,
        max_answer_bytes=table.count("max_answer_bytes") or _DEFAULTS.max_answer_bytes,
        max_retries=_DEFAULTS.max_retries if max_retries is None else max_retries,
        reasoning_items=_DEFAULTS.reasoning_items if reasoning_items is None else reasoning_items,
        max_tokens_field=max_tokens_field or _DEFAULTS.max_tokens_field,
    )
    table.finish()
    return config


def _base_url(name: str, dialect: DialectName, table: Table, env: Mapping[str, str]) -> str:
    url = table.text("base_url")
    if dialect == "demo":
        return ""
    if url is None and name == "openai":
        return _openai_url(env)
    if url is None:
        raise ConfigError(f"{table.path}.base_url: missing")
    return _checked_url(f"{table.path}.base_url", url)


def _openai_url(env: Mapping[str, str]) -> str:
    url = env.get("OPENAI_BASE_URL")
    return _checked_url("OPENAI_BASE_URL", url) if url else OPENAI_URL


def _checked_url(place: str, url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"{place}: '{_without_user(url)}' is no http(s) URL")
    if _without_user(url) != url:
        # The HTTP client would refuse each call: it takes the key for the one Authorization there is.
        raise ConfigError(
            f"{place}: a user or password in the URL is not supported; set an Authorization "
            "header in the provider's headers"
        )
    return url


def _without_user(url: str) -> str:
    """A password is never repeated, not even to whom it belongs: logs are read by others."""
    return re.sub(r"^([^/?#]*//)?[^/?#]*@", r"\1***@", url)


def _api_key(name: str, table: Table, env: Mapping[str, str]) -> str | None:
    variable = table.text("api_key_env")
    if variable is None:
        # Never for another provider: a key goes only to whom it belongs.
        return (env.get("OPENAI_API_KEY") or None) if name == "openai" else None
    if not env.get(variable):
        raise ConfigError(f"{table.path}.api_key_env: the variable {variable} is not set")
    return env[variable]
