"""PEM files of TLS: whether they have changed, and a certificate with its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from pathlib import Path


def stamp(*files: Path | None) -> tuple[tuple[int, int, int], ...]:
    """Another one when a file has changed. Raises ``OSError``."""
    stats = [file.stat() for file in files if file is not None]
    # The size too: a clock's tick is long enough for half a file and the rest of it.
    return tuple((stat.st_mtime_ns, stat.st_ino, stat.st_size) for stat in stats)


def load_pair(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Raises ``ssl.SSLError`` and ``OSError``."""
    # Without a password that of an encrypted key would be asked for on the terminal.
    context.load_cert_chain(certificate, key, password="")
