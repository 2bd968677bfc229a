"""Each client's own small tests, in its own language, against a real core."""

from __future__ import annotations

import pytest

from tests.clients.languages import CLIENTS, LANGUAGES, run, suite
from tests.servers import KEY, Process


@pytest.mark.timeout(600)  # a toolchain starts
@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "python"])
async def test_the_suite(language: str, core: Process) -> None:
    environment = {"UNDERSTUDY_TARGET": core.facts["gRPC"], "UNDERSTUDY_API_KEY": KEY}
    done = await run(suite(language), environment, CLIENTS / language)
    assert done.status == 0, done.output + done.errors
