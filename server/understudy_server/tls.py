"""TLS for the gRPC port: PEM files, read again when they change."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc
import structlog


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """PEM files."""

    certificate: Path
    """The server's, with what leads up to its authority."""
    key: Path
    client_ca: Path | None = None
    """Who must have signed a client's certificate (mutual TLS); None: clients need none."""


class TlsFiles:
    """What is in the files, as long as it can be read."""

    def __init__(self, tls: Tls) -> None:
        """Raises ``OSError``."""
        self._tls = tls
        self._seen = self._stamp()
        self._log = structlog.get_logger()

    def credentials(self) -> grpc.ServerCredentials:
        """Raises ``OSError``, also for files that do not fit together."""
        credentials: grpc.ServerCredentials = grpc.dynamic_ssl_server_credentials(
            self._configuration(),
            self._changed,  # type: ignore[arg-type]  # None is allowed, whatever the stubs say
            self._tls.client_ca is not None,
        )
        return credentials

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        ca = self._tls.client_ca
        # gRPC would keep to itself what is wrong with them. Without a password that of an encrypted key would be asked
        # for on the terminal.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._tls.certificate, self._tls.key, password="")
        if ca is not None:
            context.load_verify_locations(ca)
        found: grpc.ServerCertificateConfiguration = grpc.ssl_server_certificate_configuration(
            [(self._tls.key.read_bytes(), self._tls.certificate.read_bytes())],
            root_certificates=None if ca is None else ca.read_bytes(),
        )
        return found

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Asked for each new connection; None: as before. Files that cannot be read change nothing."""
        try:
            stamp = self._stamp()
            if stamp == self._seen:
                return None
            configuration = self._configuration()
        except OSError as error:
            self._log.warning("certificate_unreadable", error=str(error))
            return None
        self._seen = stamp
        self._log.info("certificate_read_again", file=str(self._tls.certificate))
        return configuration

    def _stamp(self) -> tuple[tuple[int, int, int], ...]:
        files = (self._tls.certificate, self._tls.key, self._tls.client_ca)
        stats = [file.stat() for file in files if file is not None]
        # The size too: a clock's tick is long enough for half a file and the rest of it.
        return tuple((stat.st_mtime_ns, stat.st_ino, stat.st_size) for stat in stats)
