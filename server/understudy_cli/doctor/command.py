"""Runs the checks in an order in which earlier ones explain later ones, and prints each."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import uvloop

from understudy_cli.configuration import Configuration, load, with_functions
from understudy_cli.doctor import clocks, embeddings, files, folder, ports, providers, storage
from understudy_cli.doctor.finding import Finding
from understudy_cli.setting import SettingsError
from understudy_server import logs
from understudy_server.clock import Clock, SystemClock


def run(flags: Mapping[str, str | None], environment: Mapping[str, str], working: Path) -> int:
    """The exit status: 0, or 1 when a line says FAIL. ``working``: the working folder."""
    try:
        configuration = load(flags, environment, working)
    except SettingsError as error:
        _show(Finding("FAIL", "configuration", str(error)))
        return 1
    logs.configure(format=configuration.values["log_format"], level="error", component="doctor")
    return uvloop.run(_run(configuration, working))


async def _run(configuration: Configuration, working: Path) -> int:
    failed = 0
    async for found in examine(configuration, working, SystemClock()):
        _show(found)
        failed += found.level == "FAIL"
    return 1 if failed else 0


async def examine(
    configuration: Configuration, working: Path, clock: Clock
) -> AsyncIterator[Finding]:
    """All checks but that the configuration loads."""
    yield Finding("ok", "configuration", "every setting is understood")
    if configuration.values["functions"]:
        yield _functions(configuration, working)
    store = folder.file_of(configuration.core.store)
    if store is not None:
        yield folder.examine(store.parent)
    stored = await storage.examine(configuration, clock)
    for found in stored.findings:
        yield found
    yield await files.examine(configuration.core)
    answers = await asyncio.gather(
        *(
            providers.examine(
                provider,
                is_default=provider.name == configuration.core.models.default_provider,
                clock=clock,
            )
            for provider in configuration.core.models.providers
        )
    )
    for answer in answers:
        yield answer.finding
    yield await embeddings.examine(configuration.core, clock)
    offsets = {answer.provider: answer.offset for answer in answers if answer.offset is not None}
    yield clocks.judge(clock.wall(), newest=stored.newest, offsets=offsets)
    values = configuration.values
    yield await ports.rest(values["host"], values["port"])
    yield await ports.core(values["grpc"])


def _functions(configuration: Configuration, working: Path) -> Finding:
    try:
        loaded = with_functions(configuration, working).core.functions
    except SettingsError as error:
        return Finding("FAIL", "functions", str(error).removeprefix("functions: "))
    assert loaded is not None
    names = ", ".join(sorted(loaded.names()))
    return Finding("ok", "functions", f"{names} (from {configuration.values['functions']})")


def _show(found: Finding) -> None:
    sys.stdout.write(f"{found}\n")
    sys.stdout.flush()
