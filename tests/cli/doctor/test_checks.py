"""The checks against real files, stores, servers and ports."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import web

from tests.clock import FakeClock
from tests.upstream.server import ScriptedUpstream
from understudy_cli.configuration import Configuration, load
from understudy_cli.doctor import folder, ports, providers, storage
from understudy_cli.doctor.finding import Finding
from understudy_cli.server import Server
from understudy_server.auth.keys import ApiKeys
from understudy_server.auth.stored_key import Policy
from understudy_server.clock import SystemClock
from understudy_server.models.provider import ProviderConfig
from understudy_server.store.opener import open_store


@pytest.fixture
def data(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    return made


def configured(data: Path, environment: Mapping[str, str] | None = None) -> Configuration:
    return load({}, {"UNDERSTUDY_DATA": str(data), **(environment or {})}, data.parent)


def shown(*findings: Finding) -> list[tuple[str, str]]:
    return [(found.level, found.what) for found in findings]


def test_the_file_of_a_store() -> None:
    assert folder.file_of("sqlite:////srv/a.db") == Path("/srv/a.db")
    assert folder.file_of("sqlite:///a.db") == Path.cwd() / "a.db"
    assert folder.file_of("sqlite:////srv/a.db?shared=true") == Path("/srv/a.db")
    assert folder.file_of("sqlite:////srv/a.db?mode=ro") is None
    assert folder.file_of("memory://") is None
    assert folder.file_of("sqlite:///") is None


def test_the_folder(data: Path) -> None:
    fine = folder.examine(data)
    assert fine.level == "ok"
    assert "is private and writable" in fine.words
    missing = folder.examine(data / "deeper" / "still")
    assert missing.level == "ok"
    assert "will be made at the first start" in missing.words
    assert not list(data.iterdir())
    data.chmod(0o755)
    assert folder.examine(data).level == "warn"
    (data / "file").touch()
    assert folder.examine(data / "file").level == "FAIL"


async def test_a_store_that_is_not_there_is_not_made(data: Path) -> None:
    stored = await storage.examine(configured(data), FakeClock())
    assert shown(*stored.findings) == [("ok", "store"), ("ok", "keys")]
    assert "the first start makes one" in stored.findings[1].words
    assert (
        "will be made" in (await storage.examine(configured(data), FakeClock())).findings[0].words
    )


async def test_keys_and_the_newest_record(data: Path) -> None:
    clock = FakeClock()
    configuration = configured(data)
    store = await open_store(configuration.core.store, clock)
    keys = ApiKeys(store=store, clock=clock)
    _, key = await keys.create("shop", "")
    stored = await storage.examine(configuration, clock)
    assert shown(*stored.findings) == [("ok", "store"), ("ok", "keys")]
    assert "1 in the store, 0 in" in stored.findings[1].words
    assert stored.newest == clock.wall()
    await keys.revoke(key.id)
    await store.close()
    stored = await storage.examine(configuration, clock)
    assert shown(*stored.findings) == [("ok", "store"), ("FAIL", "keys")]
    assert "`understudy keys create`" in stored.findings[1].words
    stored = await storage.examine(configured(data, {"UNDERSTUDY_API_KEYS": "sk-given"}), clock)
    assert shown(*stored.findings) == [("ok", "store"), ("ok", "keys")]


async def test_keys_that_have_expired(data: Path) -> None:
    clock = FakeClock()
    configuration = configured(data)
    store = await open_store(configuration.core.store, clock)
    await ApiKeys(store=store, clock=clock).create("shop", "", Policy(lifetime=60))
    await store.close()
    for seconds, level in ((0, "ok"), (59, "ok"), (1, "FAIL")):
        await clock.advance(seconds)
        stored = await storage.examine(configuration, clock)
        assert shown(*stored.findings) == [("ok", "store"), (level, "keys")]


@pytest.mark.parametrize(
    ("environment", "levels", "words"),
    [
        ({"UNDERSTUDY_STORE": "memory://"}, ["warn", "ok"], "forgets everything"),
        ({"UNDERSTUDY_STORE": "tape://x"}, ["FAIL"], "must begin with one of"),
        ({"UNDERSTUDY_NO_AUTH": "1"}, ["ok", "ok"], "will be made"),
        (
            {"UNDERSTUDY_NO_AUTH": "1", "UNDERSTUDY_HOST": "0.0.0.0"},
            ["ok", "warn"],
            "will be made",
        ),
    ],
)
async def test_stores_and_keys(
    data: Path, environment: dict[str, str], levels: list[str], words: str
) -> None:
    stored = await storage.examine(configured(data, environment), FakeClock())
    assert [found.level for found in stored.findings] == levels
    assert words in stored.findings[0].words


async def test_a_file_of_another_program(data: Path) -> None:
    with closing(sqlite3.connect(data / "understudy.db")) as other:
        other.execute("CREATE TABLE notes (text)")
        other.commit()
    stored = await storage.examine(configured(data), FakeClock())
    assert shown(*stored.findings) == [("FAIL", "store")]
    assert str(data / "understudy.db") in stored.findings[0].words


async def test_a_path_that_cannot_even_be_looked_at(data: Path) -> None:
    path = data / ("x" * 300)
    assert folder.examine(path).level == "FAIL"
    stored = await storage.examine(
        configured(data, {"UNDERSTUDY_STORE": f"sqlite:///{path}"}), FakeClock()
    )
    assert shown(*stored.findings) == [("FAIL", "store")]
    assert "cannot be read (File name too long)" in stored.findings[0].words


async def test_a_provider_that_speaks_another_dialect() -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/v1/models":
            return web.json_response({"object": "list", "data": [{"id": "m"}]})
        missing = {"error": {"message": "Missing required parameter: 'messages'."}}
        spoken = request.path == "/v1/chat/completions"
        return web.json_response(missing, status=400) if spoken else web.Response(status=404)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    found = {}
    for dialect in ("chat", "responses"):
        provider = ProviderConfig(name="x", dialect=dialect, base_url=url)
        answered = await providers.examine(provider, is_default=True, clock=SystemClock())
        found[dialect] = answered.finding
    await runner.cleanup()
    assert found["chat"].level == "ok"
    assert found["responses"].level == "FAIL"
    assert 'try dialect = "chat"' in found["responses"].words


async def test_a_provider_that_answers_and_one_that_refuses() -> None:
    async with ScriptedUpstream(api_key="sk-right-0123456789") as upstream:
        right = ProviderConfig(
            name="x", dialect="chat", base_url=upstream.base_url, api_key="sk-right-0123456789"
        )
        answer = await providers.examine(right, is_default=True, clock=SystemClock())
        assert answer.finding.level == "ok"
        assert f"{upstream.base_url} speaks chat and offers " in answer.finding.words
        assert answer.offset is not None
        wrong = ProviderConfig(
            name="x", dialect="chat", base_url=upstream.base_url, api_key="sk-wrong-0123456789"
        )
        clock = FakeClock(wall=0)
        answer = await providers.examine(wrong, is_default=True, clock=clock)
        assert answer.finding.level == "FAIL"
        assert "answers 401" in answer.finding.words
        assert "sk-wrong-0123456789" not in answer.finding.words
        assert answer.offset is not None
        assert answer.offset > 1_000_000_000


async def test_the_demo_is_told_where_it_answers_by_default() -> None:
    demo = ProviderConfig(name="demo", dialect="demo")
    default = await providers.examine(demo, is_default=True, clock=FakeClock())
    assert default.finding.level == "warn"
    assert "OPENAI_API_KEY" in default.finding.words
    other = await providers.examine(demo, is_default=False, clock=FakeClock())
    assert other.finding.level == "ok"


async def test_ports_of_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    for found in (
        await ports.rest("127.0.0.1", port),
        await ports.core(f"127.0.0.1:{port}"),
    ):
        assert (found.level, found.words) == ("ok", f"127.0.0.1:{port} is free")
    assert (await ports.rest("127.0.0.1", 0)).level == "ok"
    assert (await ports.core("127.0.0.1:0")).level == "ok"
    assert (await ports.core("off")).words == "off"


async def test_the_ports_of_a_running_understudy() -> None:
    async with Server(grpc="127.0.0.1:0") as server:
        port = int(server.url.removesuffix("/v1").rpartition(":")[2])
        rest = await ports.rest("127.0.0.1", port)
        core = await ports.core(f"127.0.0.1:{server.grpc_port}")
    assert rest.level == core.level == "ok"
    assert "by an Understudy that is ready" in rest.words
    assert "by a core that is ready" in core.words


async def test_the_ports_of_somebody_else() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    found = [await ports.rest("127.0.0.1", port), await ports.core(f"127.0.0.1:{port}")]
    await runner.cleanup()
    for each in found:
        assert each.level == "FAIL"
        assert f"cannot listen on 127.0.0.1:{port}" in each.words


async def test_addresses_that_are_none(tmp_path: Path) -> None:
    assert (await ports.core("nonsense")).level == "FAIL"
    assert (await ports.core(f"unix:{tmp_path}/core.sock")).level == "ok"
