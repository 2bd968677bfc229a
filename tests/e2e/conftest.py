"""Understudy as real processes behind the validating proxy, and the real SDK in front of it.

Every test runs over one process on SQLite, and over two cores and an edge on each other backend,
with the synchronous client and the asynchronous one; a test that asks for ``model`` runs over both
dialects of the upstream as well.
"""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import openai
import pytest

from tests.background import BackgroundLoop
from tests.e2e.blocking import Blocking
from tests.e2e.proxy import ValidatingProxy
from tests.servers import UPSTREAM_KEY, Deployment, Layout, deployed
from tests.store.cosmos.emulator import emulator, url
from tests.store.postgres.servers import postgres
from tests.store.redis.servers import redis_on_loopback
from tests.upstream.threaded import ThreadedUpstream

Backend: TypeAlias = Callable[[Path], AbstractContextManager[str]]
"""Starts what a store needs, in a folder, and gives the store's URL."""

# The SDK's own words, for assistants shorter than for the rest.
_DEPRECATED = (
    "ignore:The Assistants API is deprecated in favor of the Responses API$:DeprecationWarning",
    "ignore:deprecated$:DeprecationWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/tests/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.filterwarnings(*_DEPRECATED))


@contextmanager
def _postgres(_folder: Path) -> Iterator[str]:
    with postgres() as server:
        yield server.url


@contextmanager
def _cosmos(_folder: Path) -> Iterator[str]:
    with emulator() as port:
        yield url(port, "e2e")


_SITES: dict[str, tuple[Layout, Backend]] = {
    "serve": ("serve", lambda folder: nullcontext("")),
    "in-memory": ("serve", lambda folder: nullcontext("memory://")),
    "redis": ("cores+edge", redis_on_loopback),
    "postgres": ("cores+edge", _postgres),
    "cosmos": ("cores+edge", _cosmos),
}
"""Layout and store."""
MAIN_SITES = ("serve", "redis", "postgres", "cosmos")
"""Where most tests run; the others are for whole conversations."""
_SETTINGS = {"UNDERSTUDY_KEEP_MODEL_REQUESTS": "true"}


@dataclass(frozen=True, kw_only=True)
class Site:
    """A deployment and the proxy before it."""

    deployment: Deployment
    proxy: ValidatingProxy

    @property
    def url(self) -> str:
        """The ``base_url`` for a client, through the proxy."""
        return f"{self.proxy.origin}/v1"


@pytest.fixture(scope="session")
def upstream() -> Iterator[ThreadedUpstream]:
    with ThreadedUpstream(api_key=UPSTREAM_KEY) as upstream:
        yield upstream


@pytest.fixture(scope="session")
def sites(
    upstream: ThreadedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Site]]:
    """Each site is started when it is first asked for, and serves until the end."""
    with ExitStack() as stack:
        started: dict[str, Site] = {}

        def site(name: str) -> Site:
            if name not in started:
                layout, backend = _SITES[name]
                folder = tmp_path_factory.mktemp("understudy")
                store = stack.enter_context(backend(folder))
                deployment = stack.enter_context(
                    deployed(layout, folder, upstream, store=store, settings=_SETTINGS)
                )
                proxy = stack.enter_context(ValidatingProxy(deployment.url.removesuffix("/v1")))
                started[name] = Site(deployment=deployment, proxy=proxy)
            return started[name]

        yield site


@pytest.fixture(params=MAIN_SITES)
def site(request: pytest.FixtureRequest, sites: Callable[[str], Site]) -> Iterator[Site]:
    """What it logged during a test is shown if the test fails."""
    site = sites(request.param)
    before = site.deployment.sizes()
    yield site
    print(site.deployment.output(before))  # noqa: T201  (pytest shows it with a failure)
    violations = site.proxy.take_violations()
    assert not violations, "\n".join(violations)


@pytest.fixture
def deployment(site: Site) -> Deployment:
    return site.deployment


@pytest.fixture(scope="session")
def loop() -> Iterator[BackgroundLoop]:
    with BackgroundLoop() as loop:
        yield loop


@dataclass(frozen=True, kw_only=True)
class Clients:
    """Makes clients of one kind: synchronous, or asynchronous made to look so."""

    site: Site
    kind: str
    loop: BackgroundLoop
    stack: ExitStack

    def open(
        self, *, key: str = "", answered: Callable[[Any], None] = lambda response: None
    ) -> Any:
        """An ``openai.OpenAI``, or what can be used like it, without retries.

        ``answered`` is called with each HTTP response when its headers are there.
        """
        given: dict[str, Any] = {
            "base_url": self.site.url,
            "api_key": key or self.site.deployment.key,
            "max_retries": 0,
        }
        if self.kind == "sync":
            http = openai.DefaultHttpxClient(event_hooks={"response": [answered]})
            return self.stack.enter_context(openai.OpenAI(**given, http_client=http))

        async def answered_later(response: Any) -> None:
            answered(response)

        later = openai.DefaultAsyncHttpxClient(event_hooks={"response": [answered_later]})
        client = openai.AsyncOpenAI(**given, http_client=later)
        self.stack.callback(lambda: self.loop.run(client.close()))
        return Blocking(client, self.loop)


@pytest.fixture(params=["sync", "async"])
def clients(request: pytest.FixtureRequest, site: Site, loop: BackgroundLoop) -> Iterator[Clients]:
    with ExitStack() as stack:
        yield Clients(site=site, kind=request.param, loop=loop, stack=stack)


@pytest.fixture(scope="session")
def opened(loop: BackgroundLoop) -> Iterator[Callable[[Site, str], Any]]:
    """One client of each kind for each site: making one takes longer than most tests."""
    with ExitStack() as stack:
        made: dict[tuple[str, str], Any] = {}

        def client(site: Site, kind: str) -> Any:
            if (site.url, kind) not in made:
                clients = Clients(site=site, kind=kind, loop=loop, stack=stack)
                made[site.url, kind] = clients.open()
            return made[site.url, kind]

        yield client


@pytest.fixture
def client(clients: Clients, opened: Callable[[Site, str], Any]) -> Any:
    return opened(clients.site, clients.kind)


@pytest.fixture(params=["responses", "chat"])
def dialect(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def model(dialect: str) -> str:
    """Served by the scripted upstream."""
    return f"{dialect}/scripted-model"


@pytest.fixture
def assistant(client: Any, model: str) -> Any:
    return client.beta.assistants.create(model=model)


@pytest.fixture(scope="session")
def installed_sdks() -> None:
    """The SDKs that have no place in our own environment."""
    folder = Path(__file__).parent
    with (folder / "node" / ".installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other processes of this test run want the same
        subprocess.run([folder / "setup.sh"], check=True)


@pytest.fixture
def marker() -> str:
    """Something to find one's own requests by, or to name a gate."""
    return f"marker-{uuid4().hex}"
