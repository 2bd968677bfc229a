"""The gRPC channel to cores that run elsewhere. The rest of the edge does not know which kind it has."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import grpc

from understudy_edge.core_tls import CoreTlsFiles
from understudy_edge.cores import Cores
from understudy_edge.reloading import ReloadingChannel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy_edge.core_tls import CoreTls

_SHORTEST_RECONNECT_MS: Final = 100
_LONGEST_RECONNECT_MS: Final = 1_000
# All addresses of a DNS name are used, one call after the other, but those that say that they are not well.
_SERVICE_CONFIG: Final = json.dumps(
    {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}}
)
_SCHEME: Final = re.compile(r"(unix|unix-abstract|dns|ipv4|ipv6):.+")
_HOST_AND_PORT: Final = re.compile(r"([^\s:/\[\],]+|\[[0-9A-Fa-f:.%]+\]):(\d{1,5})")


def parse_addresses(text: str) -> tuple[str, ...]:
    """Comma-separated addresses: ``host:port``, or a gRPC target such as ``unix:/path``.

    Raises ``ValueError`` for anything else, and for the same address twice.
    """
    addresses = tuple(word.strip() for word in text.split(","))
    for address in addresses:
        host = _HOST_AND_PORT.fullmatch(address)
        if host is None and not _SCHEME.fullmatch(address):
            raise ValueError(f"'{address}' is not host:port, unix:/path or dns:///name:port")
        if host is not None and int(host[2]) > 65_535:
            raise ValueError(f"'{address}' has no port that exists")
    if len(set(addresses)) < len(addresses):
        raise ValueError("an address is there twice")
    return addresses


def open_channel(
    addresses: Sequence[str],
    *,
    keepalive: float = 10.0,
    keepalive_timeout: float = 5.0,
    tls: CoreTls | None = None,
) -> grpc.aio.Channel:
    """A channel to one core or several, see ``parse_addresses``; without ``tls`` in plain text.

    New calls use what is in the files of ``tls`` by now, calls that go on keep their connection.

    After ``keepalive`` seconds of silence a core is asked for a sign of life; without one within
    ``keepalive_timeout`` seconds it counts as gone, though its connection stands. Raises ``OSError`` for
    files that cannot be read, or do not fit together.
    """
    options = (
        ("grpc.service_config", _SERVICE_CONFIG),
        ("grpc.keepalive_time_ms", _milliseconds(keepalive)),
        ("grpc.keepalive_timeout_ms", _milliseconds(keepalive_timeout)),
        # The keepalive timeout alone leaves a core that stands still another minute.
        ("grpc.http2.ping_timeout_ms", _milliseconds(keepalive_timeout)),
        ("grpc.http2.max_pings_without_data", 0),
        # Found out before the next call has to.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.initial_reconnect_backoff_ms", _SHORTEST_RECONNECT_MS),
        ("grpc.max_reconnect_backoff_ms", _LONGEST_RECONNECT_MS),
        # Channels in this process share connections otherwise, and what happens to them.
        ("grpc.use_local_subchannel_pool", 1),
        # The core is trusted, and a page of long messages has no natural bound; what callers
        # send is bounded by the edge's own limit.
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
    )

    def connect(credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
        channels = [
            grpc.aio.insecure_channel(address, options=options)
            if credentials is None or address.startswith("unix")
            else grpc.aio.secure_channel(address, credentials, options=options)
            for address in addresses
        ]
        for channel in channels:
            channel.get_state(try_to_connect=True)
        return channels[0] if len(channels) == 1 else Cores(channels)

    if tls is None:
        return connect(None)
    files = CoreTlsFiles(tls)
    return ReloadingChannel(
        connect(files.credentials()),
        lambda: connect(files.credentials()) if files.changed() else None,
    )


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
