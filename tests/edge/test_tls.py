"""TLS on both sides of the edge."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.certificates import Issued, encrypt, issue
from tests.edge.conftest import HEADERS
from understudy_edge.app import EdgeServer, create_app
from understudy_edge.channel import open_channel
from understudy_edge.config import EdgeConfig
from understudy_edge.core_tls import CoreTls
from understudy_edge.tls import Tls
from understudy_server.app import open_core
from understudy_server.config import CoreConfig
from understudy_server.listening import listen
from understudy_server.tls import Tls as CoreListenerTls


@asynccontextmanager
async def edge(
    address: str, *, tls: Tls | None = None, core_tls: CoreTls | None = None
) -> AsyncIterator[str]:
    async with open_channel([address], tls=core_tls) as channel:
        server = EdgeServer(create_app(channel, EdgeConfig()), tls)
        await server.start("127.0.0.1", 0)
        try:
            yield server.url
        finally:
            await server.stop(0)


async def answers(url: str, ca: Path, client: Issued | None = None) -> bool:
    context = ssl.create_default_context(cafile=str(ca))
    if client is not None:
        context.load_cert_chain(client.certificate, client.key)
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(f"{url}/health", ssl=context) as response:
                return response.status == 200
        except (aiohttp.ClientConnectionError, ssl.SSLError):
            return False


NOBODY = "127.0.0.1:1"


async def test_who_trusts_the_authority_is_served(tmp_path: Path) -> None:
    ours, others = issue(tmp_path / "ours"), issue(tmp_path / "others")
    tls = Tls(certificate=ours.certificate, key=ours.key)
    async with edge(NOBODY, tls=tls) as url:
        assert url.startswith("https://127.0.0.1:")
        assert await answers(url, ours.ca)
        assert not await answers(url, others.ca)


async def test_a_client_must_show_a_certificate_where_it_is_asked_for(tmp_path: Path) -> None:
    server, client, stranger = (issue(tmp_path / name) for name in ("server", "client", "stranger"))
    tls = Tls(certificate=server.certificate, key=server.key, client_ca=client.ca)
    async with edge(NOBODY, tls=tls) as url:
        assert await answers(url, server.ca, client)
        assert not await answers(url, server.ca, stranger)
        assert not await answers(url, server.ca)


async def test_a_certificate_that_changes_is_read_again(tmp_path: Path) -> None:
    before = issue(tmp_path / "served")
    old = before.ca.rename(tmp_path / "old.pem")
    async with edge(NOBODY, tls=Tls(certificate=before.certificate, key=before.key)) as url:
        assert await answers(url, old)
        after = issue(tmp_path / "served")
        assert await answers(url, after.ca)
        assert not await answers(url, old)
        after.key.unlink()
        assert await answers(url, after.ca)


async def test_another_authority_of_clients_is_for_the_next_connection(tmp_path: Path) -> None:
    server, former, latter = (issue(tmp_path / name) for name in ("server", "former", "latter"))
    authority = tmp_path / "authority.pem"
    authority.write_bytes(former.ca.read_bytes())
    tls = Tls(certificate=server.certificate, key=server.key, client_ca=authority)
    async with edge(NOBODY, tls=tls) as url:
        assert await answers(url, server.ca, former)
        latter.ca.replace(authority)
        assert await answers(url, server.ca, latter)
        assert not await answers(url, server.ca, former)
        assert not await answers(url, server.ca)


async def test_files_that_are_not_there(tmp_path: Path) -> None:
    files = issue(tmp_path / "served")
    files.certificate.unlink()
    with pytest.raises(OSError, match="No such file"):
        Tls(certificate=files.certificate, key=files.key).context()


def test_a_key_that_needs_a_password(tmp_path: Path) -> None:
    """Nobody is asked for it: a server that reads its files again would stand still meanwhile."""
    files = issue(tmp_path / "served")
    encrypt(files)
    with pytest.raises(ssl.SSLError):
        Tls(certificate=files.certificate, key=files.key).context()


async def test_edge_and_core_know_each_other(tmp_path: Path) -> None:
    core, own, stranger = (issue(tmp_path / name) for name in ("core", "edge", "stranger"))
    config = CoreConfig(
        store="memory://",
        auth=False,
        tls=CoreListenerTls(certificate=core.certificate, key=core.key, client_ca=own.ca),
    )
    async with (
        open_core(config) as opened,
        listen(opened, "127.0.0.1:0", config) as port,
    ):
        for shown, status in ((own, 200), (stranger, 503)):
            tls = CoreTls(ca=core.ca, certificate=shown.certificate, key=shown.key)
            async with (
                edge(f"localhost:{port}", core_tls=tls) as url,
                aiohttp.ClientSession(headers=HEADERS) as session,
                session.get(f"{url}/v1/models") as response,
            ):
                assert response.status == status
