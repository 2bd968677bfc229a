"""The Lua scripts of this backend, and how they are called."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeAlias

Argument: TypeAlias = str | bytes | int
Command: TypeAlias = tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A server keeps scripts only in memory, so a call may have to bring the text along."""

    text: str
    digest: str

    def call(self, key: str, *arguments: Argument) -> Command:
        return ("EVALSHA", self.digest, 1, key, *arguments)

    def call_with_text(self, command: Command) -> Command:
        return ("EVAL", self.text, *command[2:])


def _load(name: str) -> Script:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    # SHA-1 is how Redis names scripts; nothing is kept secret by it.
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


COMMIT = _load("commit.lua")
LIST = _load("list.lua")
STORED = _load("stored.lua")
BY_DIGEST = {script.digest: script for script in (COMMIT, LIST, STORED)}
