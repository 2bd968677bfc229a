"""The clients by language: how their examples are run, once they have been built.

``UNDERSTUDY_CLIENTS`` names the languages whose clients are tested, by default only Python, which needs no building.
``make test-clients`` builds all of them and names them.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CLIENTS = ROOT / "clients"

LANGUAGES = tuple(os.environ.get("UNDERSTUDY_CLIENTS", "python").split(","))

_PASSED_ON = ("PATH", "HOME", "JAVA_HOME")
_SET = {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local", "LC_ALL": "C.UTF-8"}


def example(language: str) -> list[str]:
    """The command of the example; the question follows it."""
    match language:
        case "python":
            return [sys.executable, str(CLIENTS / "python/examples/ask.py")]
        case "typescript":
            return ["node", str(CLIENTS / "typescript/dist/examples/ask.js")]
        case "go":
            return [str(CLIENTS / "go/.bin/ask")]
        case "java":
            target = CLIENTS / "java/target"
            libraries = (target / "classpath").read_text()
            path = f"{target}/classes:{target}/test-classes:{libraries}"
            return ["java", "-XX:TieredStopAtLevel=1", "-cp", path, "understudy.examples.Ask"]
        case _:
            raise ValueError(f"no client in {language}")


def suite(language: str) -> list[str]:
    """The command of the client's own tests, to be run in its folder."""
    match language:
        case "typescript":
            return ["node", "--test", "--test-reporter=spec", "dist/test/follow.test.js"]
        case "go":
            return ["go", "test", "-count=1", "."]
        case "java":
            return ["mvn", "--quiet", "--batch-mode", "surefire:test"]
        case _:
            raise ValueError(f"no tests of its own in {language}")


@dataclass(frozen=True)
class Done:
    status: int
    output: str
    errors: str


async def run(
    command: list[str], environment: Mapping[str, str], folder: Path | None = None
) -> Done:
    """Runs it to its end. Of our own environment it gets what a toolchain needs."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=passed_on | _SET | dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return Done(process.returncode, output.decode(), errors.decode())


async def ask(language: str, target: str, key: str, question: str = "") -> Done:
    """Runs the example of a language."""
    environment = {"UNDERSTUDY_TARGET": target, "UNDERSTUDY_API_KEY": key}
    return await run([*example(language), *([question] if question else [])], environment)
