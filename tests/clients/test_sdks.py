"""The official OpenAI SDKs of Go and Java as clients of the edge, over both dialects of the upstream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.languages import LANGUAGES, run
from tests.e2e.proxy import ValidatingProxy
from tests.servers import UPSTREAM_KEY, Deployment, deployed
from tests.upstream.threaded import ThreadedUpstream

FOLDER = Path(__file__).parent
SUITES = {
    "go": ["go", "test", "-count=1", "."],
    "java": ["mvn", "--quiet", "--batch-mode", "surefire:test"],
}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A core, and an edge before it."""
    with (
        ThreadedUpstream(api_key=UPSTREAM_KEY) as upstream,
        deployed("core+edge", tmp_path_factory.mktemp("edge"), upstream) as deployment,
    ):
        yield deployment


@pytest.mark.timeout(600)  # a toolchain starts
@pytest.mark.parametrize("dialect", ["responses", "chat"])
@pytest.mark.parametrize("language", [name for name in SUITES if name in LANGUAGES])
async def test_the_suite(language: str, dialect: str, deployment: Deployment) -> None:
    with ValidatingProxy(deployment.url.removesuffix("/v1")) as proxy:
        environment = {
            "OPENAI_BASE_URL": f"{proxy.origin}/v1",
            "OPENAI_API_KEY": deployment.key,
            "MODEL": f"{dialect}/scripted-model",
        }
        done = await run(SUITES[language], environment, FOLDER / f"{language}-sdk")
        assert done.status == 0, done.output + done.errors
        violations = proxy.take_violations()
    assert not violations, "\n".join(violations)
