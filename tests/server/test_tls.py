"""TLS on the core's gRPC port, as a client of gRPC meets it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from structlog.testing import capture_logs

import understudy
from tests.certificates import Issued, issue
from understudy.v1.model_pb2 import ListModelsRequest
from understudy_server.app import open_core
from understudy_server.config import CoreConfig
from understudy_server.listening import listen
from understudy_server.tls import Tls


@asynccontextmanager
async def serving(files: Issued, client_ca: Path | None = None) -> AsyncIterator[int]:
    tls = Tls(certificate=files.certificate, key=files.key, client_ca=client_ca)
    config = CoreConfig(store="memory://", auth=False, tls=tls)
    async with open_core(config) as core, listen(core, "127.0.0.1:0", config) as port:
        yield port


async def answers(port: int, tls: understudy.Tls | bool) -> bool:
    """Whether a call over a new connection comes through."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with understudy.connect(f"localhost:{port}", tls=tls, options=options) as client:
        try:
            await client.models.ListModels(ListModelsRequest())
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return False
        return True


async def test_who_trusts_the_authority_is_served(tmp_path: Path) -> None:
    ours, others = issue(tmp_path / "ours"), issue(tmp_path / "others")
    async with serving(ours) as port:
        assert await answers(port, understudy.Tls(ca=ours.ca))
        assert not await answers(port, understudy.Tls(ca=others.ca))
        assert not await answers(port, tls=False)


async def test_a_client_must_show_a_certificate_where_it_is_asked_for(tmp_path: Path) -> None:
    server, client, stranger = (issue(tmp_path / name) for name in ("server", "client", "stranger"))
    async with serving(server, client_ca=client.ca) as port:
        for shown, welcome in ((client, True), (stranger, False)):
            tls = understudy.Tls(ca=server.ca, certificate=shown.certificate, key=shown.key)
            assert await answers(port, tls) is welcome
        assert not await answers(port, understudy.Tls(ca=server.ca))


async def test_a_certificate_that_changes_is_read_again(tmp_path: Path) -> None:
    before = issue(tmp_path / "served")
    old = before.ca.rename(tmp_path / "old.pem")
    async with serving(before) as port:
        assert await answers(port, understudy.Tls(ca=old))
        after = issue(tmp_path / "served")
        assert await answers(port, understudy.Tls(ca=after.ca))
        assert not await answers(port, understudy.Tls(ca=old))
        # What cannot be read changes nothing.
        after.certificate.unlink()
        assert await answers(port, understudy.Tls(ca=after.ca))


async def test_files_that_do_not_fit_together_are_logged_and_not_used(tmp_path: Path) -> None:
    files, other = issue(tmp_path / "served"), issue(tmp_path / "other")
    async with serving(files) as port:
        other.certificate.replace(files.certificate)
        with capture_logs() as lines:
            assert await answers(port, understudy.Tls(ca=files.ca))
        assert "certificate_unreadable" in [line["event"] for line in lines]
        other.key.replace(files.key)
        assert await answers(port, understudy.Tls(ca=other.ca))
        assert not await answers(port, understudy.Tls(ca=files.ca))


async def test_a_key_that_does_not_fit_is_an_error_at_the_start(tmp_path: Path) -> None:
    files = issue(tmp_path / "served")
    issue(tmp_path / "other").key.replace(files.key)
    with pytest.raises(OSError, match="mismatch"):
        async with serving(files):
            pass


async def test_files_that_are_not_there(tmp_path: Path) -> None:
    files = issue(tmp_path / "served")
    files.key.unlink()
    with pytest.raises(OSError, match="key"):
        async with serving(files):
            pass


async def test_a_socket_is_for_its_owner_and_needs_no_tls(tmp_path: Path) -> None:
    files = issue(tmp_path / "served")
    config = CoreConfig(
        store="memory://", auth=False, tls=Tls(certificate=files.certificate, key=files.key)
    )
    path = tmp_path / "core.sock"
    async with open_core(config) as core, listen(core, f"unix:{path}", config):
        assert path.stat().st_mode & 0o777 == 0o600
        async with grpc.aio.insecure_channel(f"unix:{path}") as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            found = await stub.Check(health_pb2.HealthCheckRequest())
            assert found.status == health_pb2.HealthCheckResponse.SERVING
