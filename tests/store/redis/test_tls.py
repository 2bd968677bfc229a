"""``rediss://``, with a certificate that only the test knows."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conformance.samples import THREAD, put, write
from tests.store.redis.sentinel_servers import Sentinel
from tests.store.redis.servers import free_ports, process, running
from understudy_server.clock import SystemClock
from understudy_server.errors import StoreUnavailable
from understudy_server.store.opener import open_store

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


@contextmanager
def _server(folder: Path) -> Iterator[tuple[str, Path]]:
    """A URL without parameters, and the certificate."""
    certificate = _certificate(folder)
    (port,) = free_ports(1)
    options = (*_tls(port, certificate), "--save", "", "--requirepass", "secret")
    with process(folder, *options):
        yield f"rediss://:secret@127.0.0.1:{port}", certificate


def _certificate(folder: Path) -> Path:
    """With its key in the same file."""
    file = folder / "certificate.pem"
    written = ("-keyout", str(file), "-out", str(file))
    name = ("-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run(
        ["openssl", "req", "-x509", *_CURVE, *written, *name], check=True, capture_output=True
    )
    return file


def _tls(port: int, certificate: Path) -> tuple[str, ...]:
    """Options of a server that speaks nothing else."""
    files = (f"--tls-{kind}-file" for kind in ("cert", "key", "ca-cert"))
    named = (word for option in files for word in (option, str(certificate)))
    return ("--tls-port", str(port), *named, "--tls-auth-clients", "no")


async def test_only_a_certificate_that_is_trusted_will_do(tmp_path: Path) -> None:
    with _server(tmp_path) as (url, certificate):
        store = await open_store(f"{url}?ssl_ca_certs={certificate}", SystemClock())
        await write(store, put("a"))
        assert await store.get(THREAD, "message", "a") is not None
        await store.close()
        with pytest.raises(StoreUnavailable, match="certificate verify failed") as caught:
            await open_store(url, SystemClock())
        assert "secret" not in str(caught.value)
        with pytest.raises(StoreUnavailable, match="does not open"):
            await open_store(url.replace("rediss", "redis"), SystemClock())


async def test_the_certificate_of_another_host(tmp_path: Path) -> None:
    with _server(tmp_path) as (url, certificate):
        other = url.replace("127.0.0.1", "localhost")
        with pytest.raises(StoreUnavailable, match="not valid for 'localhost'"):
            await open_store(f"{other}?ssl_ca_certs={certificate}", SystemClock())
        unchecked = f"{other}?ssl_ca_certs={certificate}&ssl_check_hostname=false"
        store = await open_store(unchecked, SystemClock())
        await store.close()


async def test_sentinels(tmp_path: Path) -> None:
    folder = tmp_path / "sentinel"
    folder.mkdir()
    with _server(tmp_path) as (url, certificate):
        address = urlsplit(url)
        (port,) = free_ports(1)
        settings = (
            f"sentinel monitor main 127.0.0.1 {address.port} 1\nsentinel auth-pass main secret\n"
        )
        options = (*_tls(port, certificate), "--tls-replication", "yes")
        with running(Sentinel(folder, *options, settings=settings)):
            through = f"rediss+sentinel://:secret@127.0.0.1:{port}/main"
            store = await open_store(f"{through}?ssl_ca_certs={certificate}", SystemClock())
            await write(store, put("a"))
            await store.close()
            with pytest.raises(StoreUnavailable, match="certificate verify failed"):
                await open_store(through, SystemClock())
