"""Every client has a stub of every service that callers may use, under the same name, and tells so."""

from __future__ import annotations

import re
from pathlib import Path

import grpc.aio
import pytest

from tests.clients.languages import CLIENTS, ROOT
from understudy.client import Client

OF_THE_EDGE = "AuthService"
"""Callers have no use for it: the edge asks it who calls."""

SOURCES = {
    "typescript": ("src/client.ts", r"(\w+): createClient\((\w+), transport\)"),
    "go": ("client.go", r"(\w+): +understudyv1\.New(\w+)Client\(connection\)"),
    "java": (
        "src/main/java/understudy/Client.java",
        r"public \w+BlockingStub (\w+)\(\) \{\s+return (\w+)Grpc\.newBlockingStub\(channel\)",
    ),
}
"""Where the stubs are made, and how: name, service."""


def services() -> set[str]:
    contracts = (ROOT / "proto/understudy/v1").glob("*_service.proto")
    text = "\n".join(path.read_text() for path in contracts)
    return set(re.findall(r"^service (\w+) \{", text, re.MULTILINE)) - {OF_THE_EDGE}


def called(service: str) -> str:
    """``VectorStoresService`` is ``vector_stores``."""
    words = service.removesuffix("Service")
    return re.sub(r"(?<!^)(?=[A-Z])", "_", words).lower()


async def test_in_python(tmp_path: Path) -> None:
    async with grpc.aio.insecure_channel(f"unix:{tmp_path}/nobody.sock") as channel:
        found = {name: type(stub).__name__ for name, stub in vars(Client(channel)).items()}
    del found["channel"]
    assert found == {called(service): f"{service}Stub" for service in services()}


@pytest.mark.parametrize("language", SOURCES)
def test_in_other_languages(language: str) -> None:
    path, pattern = SOURCES[language]
    found = re.findall(pattern, (CLIENTS / language / path).read_text())
    plain = {service: name.lower() for name, service in found}
    assert plain == {service: called(service).replace("_", "") for service in services()}


@pytest.mark.parametrize("language", ["python", *SOURCES])
def test_the_text_names_them(language: str) -> None:
    text = (CLIENTS / language / "README.md").read_text()
    named = {word.replace("_", "").lower() for word in re.findall(r"`(\w+)(?:\(\))?`", text)}
    assert {called(service).replace("_", "") for service in services()} <= named
