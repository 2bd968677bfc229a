"""What a setting is, and how its text is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias


class SettingsError(ValueError):
    """A mistake in the configuration; the text names the setting and where it was found."""


Parse: TypeAlias = Callable[[str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    name: str
    """In the configuration file; the command line's flag is the same with hyphens, if it has one."""
    env: tuple[str, ...]
    default: str
    """As it would be written in the environment."""
    meaning: str
    parse: Parse = str
    flag: bool = False
    """Whether the command line has it too."""


def integer(low: int, high: int) -> Parse:
    def parse(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError(f"not between {low} and {high}")
        return number

    return parse


def seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 86_400:
        raise ValueError("not between 0 and 86400 seconds")
    return number


def time_limit(text: str) -> float:
    number = seconds(text)
    if number == 0:
        raise ValueError("not above zero")
    return number


def lease(text: str) -> float:
    number = seconds(text)
    if number < 1:
        raise ValueError("below 1 second")
    return number


def boolean(text: str) -> bool:
    try:
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
            text.lower()
        ]
    except KeyError:
        raise ValueError("neither true nor false") from None


def file(text: str) -> Path | None:
    return Path(text).expanduser().absolute() if text else None


def permissions(text: str) -> int:
    mode = int(text, 8)
    if not 0 < mode <= 0o777:
        raise ValueError("not between 1 and 777, in octal")
    return mode


def words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def one_of(*words: str) -> Parse:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"not one of {', '.join(words)}")
        return text

    return parse


def keys(text: str) -> tuple[tuple[str, str], ...]:
    """`key` or `key:project`, comma-separated."""
    found = []
    for word in words(text):
        key, _, project = word.partition(":")
        if not key:
            raise ValueError("a key is empty")
        found.append((key, project or "default"))
    return tuple(found)
