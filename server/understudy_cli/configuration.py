"""From flags, environment and files to the configuration of core and edge."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from understudy_cli import transport
from understudy_cli.configured_keys import load_keys
from understudy_cli.older_names import with_key
from understudy_cli.resolving import resolve
from understudy_cli.setting import SettingsError
from understudy_cli.workers.plan import shared_files, shared_store
from understudy_edge.config import CorsPolicy, EdgeConfig
from understudy_server.clock import SystemClock
from understudy_server.config import CoreConfig
from understudy_server.models.config import load_providers
from understudy_server.models.config_table import ConfigError
from understudy_server.tools.loading import load_functions
from understudy_server.tools.schema import InvalidFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything that a command needs."""

    values: Mapping[str, Any]
    """The settings, by name."""
    core: CoreConfig
    edge: EdgeConfig


def load(
    flags: Mapping[str, str | None], environment: Mapping[str, str], folder: Path
) -> Configuration:
    """Reads ``.env`` in ``folder`` and the file that `--config` or `UNDERSTUDY_CONFIG` names.

    Raises ``SettingsError``.
    """
    variables = read_variables(environment, folder)
    path = flags.get("config") or variables.get("UNDERSTUDY_CONFIG")
    document = _read(Path(path)) if path else {}
    table = document.pop("server", {})
    if not isinstance(table, dict):
        raise SettingsError("[server]: must be a table")
    values = resolve(flags, variables, table)
    key_tables = document.pop("keys", {})
    if not isinstance(key_tables, dict):
        raise SettingsError("[keys]: must be a table of tables, [keys.NAME]")
    try:
        keys = load_keys(key_tables, variables)
        models = load_providers(document, variables)
    except ConfigError as error:
        raise SettingsError(str(error)) from None
    core = CoreConfig(
        store=shared_store(with_key(values["store"], environment, variables), values["workers"]),
        models=models,
        api_keys=values["api_keys"],
        keys=keys,
        auth=not values["no_auth"],
        concurrent_runs=values["concurrent_runs"],
        grace=values["grace"],
        lease=values["lease"],
        drop_unavailable_tools=values["unavailable_tools"] == "ignore",
        keep_model_requests=values["keep_model_requests"],
        blobs=shared_files(values["files"], values["workers"]),
        file_limit=values["file_limit"],
        file_downloads=values["file_downloads"],
        embeddings=values["embeddings"],
        embedding_dimensions=values["embedding_dimensions"],
        ingestions=values["ingestions"],
        document_memory=values["document_memory"],
        document_timeout=values["document_timeout"],
        retrieval_memory=values["retrieval_memory"],
        tls=transport.core_tls(values),
        socket_mode=values["socket_mode"],
        # Protobuf is smaller than the JSON it comes from, but for escapes; twice is always enough.
        max_message_bytes=2 * values["body_limit"],
    )
    edge = EdgeConfig(
        body_limit=values["body_limit"],
        request_timeout=values["request_timeout"],
        heartbeat_seconds=values["heartbeat"],
        resume_seconds=values["resume"],
        retry_seconds=values["retry"],
        poll_after_ms=values["poll_after_ms"],
        event_ids=values["event_ids"],
        tls=transport.edge_tls(values),
        cors=CorsPolicy(origins=values["cors_origins"], methods=values["cors_methods"]),
    )
    return Configuration(values=values, core=core, edge=edge)


def read_variables(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment, over ``.env`` in ``folder``."""
    variables = {k: v for k, v in dotenv_values(folder / ".env").items() if v is not None}
    variables.update(environment)
    return variables


def with_functions(configuration: Configuration, folder: Path) -> Configuration:
    """With the module of functions imported, if one is named; ``folder`` is searched first.

    Apart from ``load``, because only a command that works on runs should execute it. Raises
    ``SettingsError``.
    """
    values = configuration.values
    if not values["functions"]:
        return configuration
    try:
        functions = load_functions(
            values["functions"], folder, clock=SystemClock(), timeout=values["function_timeout"]
        )
    except InvalidFunction as error:
        raise SettingsError(f"functions: {error}") from error
    return replace(configuration, core=replace(configuration.core, functions=functions))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from None
