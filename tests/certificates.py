"""Certificates for tests: two authorities that know nothing of each other, and what they sign."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization


@dataclass(frozen=True)
class Issued:
    """PEM files."""

    ca: Path
    certificate: Path
    key: Path


def issue(folder: Path, *names: str, authority: trustme.CA | None = None) -> Issued:
    """For ``names``, by an authority of its own if none is given; over what the folder has of it."""
    folder.mkdir(exist_ok=True)
    authority = authority or trustme.CA()
    made = authority.issue_cert(*(names or ("localhost", "127.0.0.1")))
    issued = Issued(folder / "ca.pem", folder / "certificate.pem", folder / "key.pem")
    for path, blob in (
        (issued.ca, authority.cert_pem.bytes()),
        (issued.key, made.private_key_pem.bytes()),
        (issued.certificate, b"".join(each.bytes() for each in made.cert_chain_pems)),
    ):
        # As those who renew certificates do it: never half a file.
        path.with_suffix(".new").write_bytes(blob)
        path.with_suffix(".new").replace(path)
    return issued


def encrypt(issued: Issued) -> None:
    """The key then needs a password."""
    key = serialization.load_pem_private_key(issued.key.read_bytes(), None)
    issued.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
    )
