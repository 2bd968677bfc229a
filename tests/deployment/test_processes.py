"""The deployment of docker-compose.yml and of the image, without an engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.deployment.containers import Container, Network
from tests.deployment.files import (
    compose,
    image_command,
    image_environment,
    image_health_check,
)
from tests.store.redis.servers import free_ports

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore:The Assistants API is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:deprecated$:DeprecationWarning"),
]

PORTS = {"edge": 3500, "core1": 50051, "core2": 50051, "redis": 6379}
"""Of the services without a profile, each in its own container."""


def order(services: Mapping[str, Any]) -> list[str]:
    """Those without a profile, each after those that it depends on."""
    begun = {name for name, service in services.items() if "profiles" not in service}
    graph = {name: set(services[name].get("depends_on", ())) & begun for name in begun}
    return list(TopologicalSorter(graph).static_order())


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def network() -> Network:
    return Network(PORTS, free_ports(len(PORTS)))


@pytest.fixture
def containers(tmp_path: Path, network: Network, stack: ExitStack) -> dict[str, Container]:
    """All services, in the order in which they start."""
    services = compose()["services"]
    made = {}
    for name in order(services):
        service = services[name]
        ours = service.get("image") == "understudy"
        container = Container(
            name,
            tmp_path / name,
            network,
            command=service["command"],
            health_check=service["healthcheck"]["test"][1:],
            environment={**(image_environment() if ours else {}), **service.get("environment", {})},
        )
        stack.callback(container.kill)
        made[name] = container
    return made


def converse(url: str, key: str) -> str:
    """Two questions to the demo model; the second answer."""
    answer = ""
    with openai.OpenAI(base_url=url, api_key=key, max_retries=0) as client:
        assistant = client.beta.assistants.create(model="demo/demo")
        thread = client.beta.threads.create()
        for text in ("Hello! My name is Ada.", "What is my name?"):
            client.beta.threads.messages.create(thread.id, role="user", content=text)
            stream: Any = client.beta.threads.runs.stream(
                thread_id=thread.id, assistant_id=assistant.id
            )
            with stream as events:
                answer = "".join(events.text_deltas)
    return answer


def keys(container: Container) -> list[str]:
    """Those that it has printed."""
    return re.findall(r"sk-understudy-[\w-]+", container.output.read_text())


def test_the_composed_services_serve_also_without_one_core(
    containers: dict[str, Container], network: Network
) -> None:
    assert containers.keys() == PORTS.keys()
    for container in containers.values():
        container.start()
        container.wait_until_healthy()
    core1, core2, edge = (containers[name] for name in ("core1", "core2", "edge"))
    [key] = keys(core1)
    assert keys(core2) == []
    url = f"http://127.0.0.1:{network.port('edge')}/v1"
    assert converse(url, key) == "Your name is Ada."

    core1.kill()
    assert not core1.is_healthy()
    assert converse(url, key) == "Your name is Ada."
    assert edge.is_healthy()

    core1.start()
    core1.wait_until_healthy()
    assert keys(core1) == [key]
    core2.kill()
    assert converse(url, key) == "Your name is Ada."
    core2.start()
    core2.wait_until_healthy()
    stopped = [container.stop() for container in reversed(containers.values())]
    assert stopped == [0] * len(containers)
    assert "store_may_lose" not in core1.output.read_text()


def test_the_image_serves_by_itself(tmp_path: Path, stack: ExitStack) -> None:
    ports = {"serve": 3500, "grpc": 50051}
    network = Network(ports, free_ports(2))
    environment = image_environment()
    # It is in the container's own network, and is nobody's name in a text.
    environment["UNDERSTUDY_GRPC"] = f"127.0.0.1:{network.port('grpc')}"
    container = Container(
        "serve",
        tmp_path / "serve",
        network,
        command=image_command(),
        health_check=image_health_check(),
        environment=environment,
    )
    stack.callback(container.kill)
    container.start()
    container.wait_until_healthy()
    [key] = keys(container)
    assert converse(f"http://127.0.0.1:{network.port('serve')}/v1", key) == "Your name is Ada."
    assert (container.folder / "understudy.db").exists()
    assert container.stop() == 0
