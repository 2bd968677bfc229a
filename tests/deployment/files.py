"""The files that describe a deployment, read as their tools read them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "docker-compose.yml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def compose(variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """docker-compose.yml, merged and with its variables replaced. ``variables``: of the caller's shell."""
    given = variables or {}

    def value(match: re.Match[str]) -> str:
        # ``:-`` also stands in for a variable that is set to nothing.
        return given.get(match[1]) or match[2] or ""

    def replaced(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: replaced(each) for key, each in node.items()}
        if isinstance(node, list):
            return [replaced(each) for each in node]
        return _VARIABLE.sub(value, node) if isinstance(node, str) else node

    read: dict[str, Any] = replaced(document(COMPOSE.read_text()))
    return read


def document(text: str) -> dict[str, Any]:
    """YAML 1.2's view of a mapping: its keys are words, ``on`` among them."""
    read = yaml.safe_load(text)
    return {"on" if key is True else key: value for key, value in read.items()}


def instructions() -> list[tuple[str, str]]:
    """Of the Dockerfile: name and argument, with continued lines joined."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def image_environment() -> dict[str, str]:
    """What the image sets, without its ``PATH``."""
    words = [word for name, rest in instructions() if name == "ENV" for word in shlex.split(rest)]
    found = dict(word.split("=", 1) for word in words)
    del found["PATH"]
    return found


def image_command() -> list[str]:
    [command] = [rest for name, rest in instructions() if name == "CMD"]
    return list(json.loads(command))


def image_health_check() -> list[str]:
    [check] = [rest for name, rest in instructions() if name == "HEALTHCHECK"]
    return list(json.loads(check.partition("CMD ")[2]))
