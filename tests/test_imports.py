"""The dependency rules of ARCHITECTURE.md, read from the imports of every source file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "understudy": ROOT / "clients/python/understudy",
    "understudy_server": ROOT / "server/understudy_server",
    "understudy_cli": ROOT / "server/understudy_cli",
    "understudy_edge": ROOT / "edge/understudy_edge",
}
MAY_IMPORT = {
    "understudy": {"understudy"},
    "understudy_server": {"understudy", "understudy_server"},
    "understudy_edge": {"understudy", "understudy_edge"},
    "understudy_cli": set(PACKAGES),
}
PORTS = (
    "store/port.py",
    "models/port.py",
    "tools/port.py",
    "blobs/port.py",
    "documents/port.py",
    "embeddings/port.py",
    "clock.py",
)
STORES = tuple(
    f"understudy_server.store.{name}"
    for name in ("memory", "sqlite", "redis", "cosmos", "postgres")
)
PROVIDERS = tuple(
    f"understudy_server.models.{name}"
    for name in ("demo", "remote", "responses", "chat", "catalog")
)
BLOBS = tuple(f"understudy_server.blobs.{name}" for name in ("memory", "folder", "objects"))
NAMES_STORES = {"store/opener.py", "app.py"}
NAMES_PROVIDERS = {"models/opener.py", "app.py"}
GRPC_ROOMS = ("rpc/", "inprocess/", "auth/service.py")
GRPC_FILES = {"app.py", "listening.py", "local.py", "serving.py", "tls.py"}


def sources(package: str) -> Iterator[Path]:
    for path in sorted(PACKAGES[package].rglob("*.py")):
        if "_pb2" not in path.name:
            yield path


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def inside(path: Path) -> str:
    return path.relative_to(PACKAGES["understudy_server"]).as_posix()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    for path in sources(package):
        for name in imports(path):
            top = name.partition(".")[0]
            if top.startswith("understudy"):
                assert top in MAY_IMPORT[package], f"{path} imports {name}"


@pytest.mark.parametrize("port", PORTS)
def test_a_port_imports_nothing_of_ours_but_errors(port: str) -> None:
    path = PACKAGES["understudy_server"] / port
    ours = [name for name in imports(path) if name.startswith("understudy")]
    assert all(name.startswith("understudy_server.errors") for name in ours), ours


def test_only_the_openers_name_implementations() -> None:
    for path in sources("understudy_server"):
        here = inside(path)
        for name in imports(path):
            if name.startswith(STORES) and not here.startswith("store/"):
                assert here in NAMES_STORES, f"{here} names the backend {name}"
            if name.startswith(BLOBS):
                assert here == "blobs/opener.py", f"{here} names the place {name}"
            if name.startswith(PROVIDERS) and not here.startswith("models/"):
                assert here in NAMES_PROVIDERS, f"{here} names the provider {name}"


def test_grpc_stays_at_the_border_of_the_core() -> None:
    for path in sources("understudy_server"):
        here = inside(path)
        if here.startswith(GRPC_ROOMS) or here in GRPC_FILES or "_pb2" in here:
            continue
        for name in imports(path):
            assert name.partition(".")[0] not in {"grpc", "grpc_health"}, f"{here} imports {name}"


def test_files_stay_small() -> None:
    folders = [*PACKAGES.values(), ROOT / "tests"]
    for folder in folders:
        for path in folder.rglob("*.py"):
            if "_pb2" in path.name or "node_modules" in path.parts:
                continue
            lines = len(path.read_text(encoding="utf-8").splitlines())
            assert lines <= 400, f"{path.relative_to(ROOT)} has {lines} lines"
