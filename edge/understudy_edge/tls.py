"""TLS for the REST face: PEM files, read again when they change."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from understudy_edge.pem_files import load_pair, stamp

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """PEM files."""

    certificate: Path
    """The server's, with what leads up to its authority."""
    key: Path
    client_ca: Path | None = None
    """Who must have signed a client's certificate (mutual TLS); None: clients need none."""

    def context(self) -> ssl.SSLContext:
        """For a listener; each new connection looks whether the files have changed.

        Raises ``OSError`` (``ssl.SSLError`` is one).
        """
        files = _Files(self)
        outer = files.read()
        outer.sni_callback = files.choose
        return outer


class _Files:
    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._seen: Any = None
        self._current: ssl.SSLContext | None = None
        self._log = structlog.get_logger()

    def read(self) -> ssl.SSLContext:
        seen = self._stamp()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        load_pair(context, self._tls.certificate, self._tls.key)
        if self._tls.client_ca is not None:
            context.load_verify_locations(self._tls.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        self._seen, self._current = seen, context
        return context

    def choose(self, connection: Any, name: str | None, _outer: ssl.SSLContext) -> None:
        """Called with each client's first words. Files that cannot be read change nothing."""
        del name
        try:
            if self._stamp() != self._seen:
                self.read()
                self._log.info("certificate_read_again", file=str(self._tls.certificate))
        except OSError as error:
            self._log.warning("certificate_unreadable", error=str(error))
        connection.context = self._current

    def _stamp(self) -> tuple[tuple[int, int, int], ...]:
        return stamp(self._tls.certificate, self._tls.key, self._tls.client_ca)
