"""From settings to TLS, and the refusal of plain text where others could read it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from understudy_cli.server import OFF
from understudy_cli.setting import SettingsError
from understudy_edge.core_tls import CoreTls
from understudy_edge.tls import Tls as EdgeTls
from understudy_server.tls import Tls as CoreListenerTls


def core_tls(values: Mapping[str, Any]) -> CoreListenerTls | None:
    """For the gRPC port. Raises ``SettingsError``."""
    return CoreListenerTls(**_files(values)) if _has_certificate(values) else None


def edge_tls(values: Mapping[str, Any]) -> EdgeTls | None:
    """For the REST face. Raises ``SettingsError``."""
    return EdgeTls(**_files(values)) if _has_certificate(values) else None


def channel_tls(values: Mapping[str, Any]) -> CoreTls | None:
    """From an edge to its cores. Raises ``SettingsError``."""
    _both(values, "core_certificate", "core_key")
    if values["core_ca"] is None:
        if values["core_certificate"] is not None:
            raise SettingsError("core_certificate: needs core_ca, without which there is no TLS")
        return None
    return CoreTls(
        ca=values["core_ca"], certificate=values["core_certificate"], key=values["core_key"]
    )


def listeners(command: str, values: Mapping[str, Any]) -> dict[str, str]:
    """What ``serve``, ``core`` or ``edge`` listens on, by setting."""
    found = {}
    if command != "core":
        found["host"] = values["host"]
    if command != "edge" and values["grpc"] != OFF:
        found["grpc"] = values["grpc"]
    return found


def refuse_plain_text(values: Mapping[str, Any], **addresses: str) -> None:
    """``addresses``: what listens where, by setting. Raises ``SettingsError`` for one that others can reach."""
    if values["plain_text"] or _has_certificate(values):
        return
    for name, address in addresses.items():
        if not is_private(address):
            raise SettingsError(
                f"{name}: '{address}' can be reached from other machines, in plain text. Set tls_certificate and "
                "tls_key, or plain_text=true for a trusted network (UNDERSTUDY_PLAIN_TEXT=true)"
            )


def is_private(address: str) -> bool:
    """Whether only this machine can connect: ``host``, ``host:port``, or a Unix socket."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host = address
    if address.count(":") == 1 or address.startswith("["):
        host = address.rpartition(":")[0] or address
    host = host.strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _files(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[f"tls_{name}"] for name in ("certificate", "key", "client_ca")}


def _has_certificate(values: Mapping[str, Any]) -> bool:
    _both(values, "tls_certificate", "tls_key")
    if values["tls_certificate"] is None and values["tls_client_ca"] is not None:
        raise SettingsError("tls_client_ca: needs tls_certificate and tls_key")
    return values["tls_certificate"] is not None


def _both(values: Mapping[str, Any], one: str, other: str) -> None:
    if (values[one] is None) != (values[other] is None):
        raise SettingsError(f"{one} and {other}: one is set without the other")
