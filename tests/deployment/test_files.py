"""The files of a deployment name only what there is."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.files import (
    COMPOSE,
    DOCKERFILE,
    ROOT,
    WORKFLOWS,
    compose,
    document,
    image_command,
    image_environment,
    image_health_check,
    instructions,
)
from understudy_cli.main import parser
from understudy_cli.resolving import resolve
from understudy_cli.settings import SETTINGS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SERVICES: dict[str, dict[str, Any]] = compose()["services"]
OURS = [name for name, service in SERVICES.items() if service.get("image") == "understudy"]
NAMES = {name for setting in SETTINGS for name in setting.env}

OF_SERVICES = {
    "build", "cap_drop", "command", "depends_on", "environment", "healthcheck", "image", "ports",
    "profiles", "read_only", "restart", "security_opt", "stop_grace_period", "tmpfs", "volumes",
}  # fmt: skip
OF_JOBS = {
    "env", "if", "needs", "permissions", "runs-on", "steps", "strategy", "timeout-minutes",
}  # fmt: skip
OF_STEPS = {"env", "if", "name", "run", "uses", "with"}


# The image


def copied() -> set[Path]:
    """What the build of the image sees."""
    sources = [rest.split()[:-1] for name, rest in instructions() if name == "COPY"]
    return {ROOT / word for words in sources for word in words if not word.startswith(("/", "--"))}


def needed() -> Iterator[Path]:
    """What the wheel is made of."""
    project, hatch = PROJECT["project"], PROJECT["tool"]["hatch"]
    names = ["pyproject.toml", project["readme"], *project["license-files"]]
    names += [hatch["version"]["path"], *hatch["build"]["targets"]["wheel"]["packages"]]
    for name in names:
        yield ROOT / name


def test_the_image_gets_what_the_wheel_is_made_of() -> None:
    for path in needed():
        assert path.exists()
        assert {path, *path.parents} & copied(), f"{path} is not copied"
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    for path in copied():
        relative = path.relative_to(ROOT).as_posix()
        kept = {f"!{part}" for part in (relative, *map(str, Path(relative).parents))}
        assert kept & set(ignored), f".dockerignore leaves {relative} out"


def test_the_image_has_every_store() -> None:
    [installed] = re.findall(r'pip install [^"]*"\.\[([\w,-]+)\]"', DOCKERFILE.read_text())
    # That one is no store, and of no use without a model beside it.
    stores = set(PROJECT["project"]["optional-dependencies"]) - {"local-embeddings"}
    assert set(installed.split(",")) == stores


def test_the_image_runs_as_somebody_without_rights() -> None:
    users = [rest for name, rest in instructions() if name == "USER"]
    assert users == ["10001"]
    [made] = [rest for name, rest in instructions() if name == "RUN" and "useradd" in rest]
    assert "--uid 10001" in made
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("CMD")


def test_the_image_has_settings_that_there_are() -> None:
    set_ = image_environment()
    assert {name for name in set_ if name.startswith("UNDERSTUDY_")} <= NAMES
    values = resolve({}, set_, {})
    exposed = [rest for name, rest in instructions() if name == "EXPOSE"]
    assert exposed == [f"{values['port']} {values['grpc'].rpartition(':')[2]}"]
    assert parser().parse_args(image_command()[1:]).command == "serve"
    compile(image_health_check()[-1], "HEALTHCHECK", "exec")


# docker-compose.yml


def test_a_service_names_only_what_there_is() -> None:
    document_ = compose()
    assert {key for key in document_ if not key.startswith("x-")} == {"name", "services", "volumes"}
    volumes = set()
    for name, service in SERVICES.items():
        assert service.keys() <= OF_SERVICES, name
        assert set(service.get("depends_on", ())) <= SERVICES.keys(), name
        for condition in service.get("depends_on", {}).values():
            assert condition["condition"] == "service_healthy"
        volumes |= {volume.partition(":")[0] for volume in service.get("volumes", ())}
    assert volumes == document_["volumes"].keys()


def test_every_service_is_watched_and_started_again() -> None:
    for name, service in SERVICES.items():
        kind, *command = service["healthcheck"]["test"]
        assert kind == "CMD", name
        assert all(isinstance(word, str) for word in command), name
        if command[0] == "python":
            compile(command[-1], name, "exec")
        assert service["restart"] == "unless-stopped", name


@pytest.mark.parametrize("name", OURS)
def test_our_services_have_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["tmpfs"]) == (True, ["/tmp"])
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert (ROOT / service["build"] / "Dockerfile") == DOCKERFILE


@pytest.mark.parametrize("name", OURS)
def test_our_services_are_told_what_they_understand(name: str) -> None:
    service = SERVICES[name]
    program, *arguments = service["command"]
    assert program == "understudy"
    command = parser().parse_args(arguments).command
    assert command == ("edge" if name == "edge" else "core")
    told = service["environment"]
    assert all(isinstance(value, str) for value in told.values()), "YAML made a number of it"
    assert {each for each in told if not each.startswith("OPENAI_")} <= NAMES
    values = resolve({}, {**image_environment(), **told}, {})
    assert float(service["stop_grace_period"].removesuffix("s")) > 2 * values["grace"]
    if command == "edge":
        assert service["ports"] == [f"127.0.0.1:{values['port']}:{values['port']}"]
        cores = [each for each in OURS if each != "edge"]
        addresses = [f"{core}:{_port(core)}" for core in cores]
        assert list(values["core"]) == addresses


def _port(core: str) -> str:
    port: str = SERVICES[core]["environment"]["UNDERSTUDY_GRPC"].rpartition(":")[2]
    return port


def test_the_profile_for_postgresql_is_what_the_comment_says() -> None:
    [command] = re.findall(r"^#\s+(UNDERSTUDY_STORE=.*)$", COMPOSE.read_text(), re.MULTILINE)
    url = command.partition("=")[2].split()[0]
    assert command.split()[1:] == ["docker", "compose", "--profile", "postgres", "up"]
    core = compose({"UNDERSTUDY_STORE": url})["services"]["core1"]
    assert core["environment"]["UNDERSTUDY_STORE"] == url
    service = SERVICES["postgres"]
    assert service["profiles"] == ["postgres"]
    told = service["environment"]
    login = f"{told['POSTGRES_USER']}:{told['POSTGRES_PASSWORD']}"
    port = service["healthcheck"]["test"][service["healthcheck"]["test"].index("--port") + 1]
    assert url == f"postgresql://{login}@postgres:{port}/{told['POSTGRES_DB']}"


def test_images_are_pinned_to_a_release_and_to_no_registry() -> None:
    images = [service["image"] for service in SERVICES.values()]
    images += [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    for image in images:
        assert "." not in image.partition("/")[0].partition(":")[0]
        assert image == "understudy" or re.fullmatch(r"\w+:\d[\w.-]*", image), image


# Workflows


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in document(path.read_text())["jobs"].items():
            for step in job["steps"]:
                yield f"{path.name}, {name}", step


def test_workflows_have_the_shape_that_is_expected() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "release.yml"]
    for path in WORKFLOWS:
        workflow = document(path.read_text())
        assert workflow.keys() <= {"name", "on", "permissions", "concurrency", "jobs"}
        assert workflow["permissions"] == {"contents": "read"}
        for name, job in workflow["jobs"].items():
            assert job.keys() <= OF_JOBS, name
            assert {"runs-on", "steps", "timeout-minutes"} <= job.keys(), name
            assert set(job.get("needs", ())) <= workflow["jobs"].keys(), name
            matrix = job.get("strategy", {}).get("matrix", {})
            axes = {*matrix, *(key for row in matrix.get("include", ()) for key in row)}
            used = set(re.findall(r"matrix\.(\w+)", str(job)))
            assert used == axes - {"include"}, name


def test_each_step_does_one_thing() -> None:
    for where, step in steps():
        assert step.keys() <= OF_STEPS, where
        assert ("run" in step) != ("uses" in step), where
        if "uses" in step:
            assert re.fullmatch(r"(actions|docker)/[\w-]+@v\d+", step["uses"]), where


def test_what_a_step_runs_is_there() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    checked = (ROOT / ".ci" / "run").read_text()
    made = set()
    for where, step in steps():
        text = re.sub(r"\$\{\{.*?\}\}", "x", step.get("run", ""))
        # Not run, only read.
        subprocess.run(["bash", "-n", "-c", text], check=True)
        made |= set(re.findall(r"\bmake ([\w-]+)", text))
        for name in re.findall(r"(?<![\w/.$])(?:clients|tests|server|proto)/[\w/.]+", text):
            assert (ROOT / name).exists(), f"{where}: {name}"
    assert made <= targets
    assert made == set(re.findall(r"\bmake ([\w-]+)", checked)), "CI is not what .ci/run is"


def test_every_supported_python_is_tested() -> None:
    ci = document((ROOT / ".github/workflows/ci.yml").read_text())
    versions = ci["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert all(isinstance(version, str) for version in versions), "3.10 would be 3.1"
    lowest = PROJECT["project"]["requires-python"].removeprefix(">=")
    [base] = {
        rest.split()[0].removeprefix("python:").removesuffix("-slim")
        for name, rest in instructions()
        if name == "FROM"
    }
    assert versions[0] == lowest
    assert base in versions


def test_ci_installs_the_programs_that_the_tests_need() -> None:
    needed_ = re.findall(r"^need (\S+) (\S+)$", (ROOT / "tests/setup.sh").read_text(), re.MULTILINE)
    assert needed_
    [installing] = [step["run"] for _, step in steps() if "apt-get install" in step.get("run", "")]
    # Node's own installer brings both of its programs.
    assert {package for _, package in needed_} - {"nodejs", "npm"} <= set(installing.split())
    assert any("setup-node" in step.get("uses", "") for _, step in steps())


def test_the_release_has_an_image_for_both_architectures() -> None:
    release = document((ROOT / ".github/workflows/release.yml").read_text())
    built = release["jobs"]["image"]["strategy"]["matrix"]["include"]
    assert [row["architecture"] for row in built] == ["amd64", "arm64"]
    assert "linux/amd64,linux/arm64" in str(release["jobs"]["push"])
    assert release["jobs"]["push"]["if"] == "vars.REGISTRY != ''"
