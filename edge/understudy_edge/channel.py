"""The gRPC channel to cores that run elsewhere. The rest of the edge does not know which kind it has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.descriptor_pb2 import MethodOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.descriptor import ServiceDescriptor

_KEEPALIVE_MS: Final = 30_000
_KEEPALIVE_TIMEOUT_MS: Final = 10_000
_LONGEST_RECONNECT_MS: Final = 5_000
_RETRY: Final[dict[str, Any]] = {
    "maxAttempts": 4,
    "initialBackoff": "0.05s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def open_channel(address: str, services: Iterable[ServiceDescriptor]) -> grpc.aio.Channel:
    """A channel without TLS, for trusted networks.

    ``address`` is a gRPC target: ``host:port``, ``unix:/path``, or ``dns:///name:port``, whose
    addresses are all used, one call after the other. Calls that change nothing are repeated on
    another core when one is away.
    """
    return grpc.aio.insecure_channel(
        address,
        options=(
            ("grpc.service_config", service_config(services)),
            ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
            ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
            ("grpc.max_reconnect_backoff_ms", _LONGEST_RECONNECT_MS),
            # The core is trusted, and a page of long messages has no natural bound; what callers
            # send is bounded by the edge's own limit.
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
        ),
    )


def service_config(services: Iterable[ServiceDescriptor]) -> str:
    """GRPC's service config as JSON: round robin, and retries of what has no side effects."""
    repeatable = [
        {"service": service.full_name, "method": method.name}
        for service in services
        for method in service.methods
        if method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    ]
    config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
    if repeatable:
        config["methodConfig"] = [{"name": repeatable, "retryPolicy": _RETRY}]
    return json.dumps(config)
