"""TLS for the way to the cores: PEM files, read again when they change."""

from __future__ import annotations

import ssl
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc
import structlog

from understudy_edge.pem_files import load_pair, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreTls:
    """PEM files for the way to the cores. Unix sockets need none."""

    ca: Path
    """Who must have signed a core's certificate, which names the host in its address."""
    certificate: Path | None = None
    """The edge's own, for mutual TLS, with ``key``."""
    key: Path | None = None


class CoreTlsFiles:
    """What is in the files, as long as it can be used."""

    def __init__(self, tls: CoreTls, *, now: Callable[[], float] = time.monotonic) -> None:
        """``now``: seconds. Raises ``OSError`` for files that cannot be read, or do not fit together."""
        self._tls = tls
        self._now = now
        self._next_look = now() + LOOK_EVERY
        self._stamp_used = self._stamp()
        self._pems = self._read()
        self._complaint = ""
        self._log = structlog.get_logger()

    def credentials(self) -> grpc.ChannelCredentials:
        ca, key, certificate = self._pems
        return grpc.ssl_channel_credentials(ca, key, certificate)

    def changed(self) -> bool:
        """Whether there are other ``credentials`` from now on. Files that cannot be used change nothing."""
        now = self._now()
        if now < self._next_look:
            return False
        self._next_look = now + LOOK_EVERY
        try:
            changed, complaint = self._read_again(), ""
        except OSError as error:
            changed, complaint = False, str(error)
        # Said once, not with every look.
        if complaint and complaint != self._complaint:
            self._log.warning("certificate_unreadable", error=complaint)
        self._complaint = complaint
        if changed:
            file = self._tls.certificate or self._tls.ca
            self._log.info("certificate_read_again", file=str(file))
        return changed

    def _read_again(self) -> bool:
        found = self._stamp()
        if found == self._stamp_used:
            return False
        pems = self._read()
        if found != self._stamp():
            # What was read may be half of this and half of that: the next look will tell.
            return False
        self._stamp_used = found
        before, self._pems = self._pems, pems
        return pems != before

    def _read(self) -> tuple[bytes, bytes | None, bytes | None]:
        """CA, key and certificate, which fit together: gRPC takes anything, and then never connects."""
        ca, key, certificate = self._tls.ca, self._tls.key, self._tls.certificate
        found = (
            ca.read_bytes(),
            None if key is None else key.read_bytes(),
            None if certificate is None else certificate.read_bytes(),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        with _naming(ca):
            context.load_verify_locations(ca)
        if certificate is not None:
            with _naming(certificate, key):
                load_pair(context, certificate, key)
        return found

    def _stamp(self) -> tuple[tuple[int, int, int], ...]:
        return stamp(self._tls.ca, self._tls.certificate, self._tls.key)


@contextmanager
def _naming(*files: Path | None) -> Iterator[None]:
    """OpenSSL does not say which file it means."""
    try:
        yield
    except ssl.SSLError as error:
        raise OSError(f"{' and '.join(map(str, files))}: {error}") from error
