"""Reading one table of a configuration file, strictly: each mistake is named with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T", bound=str)


class ConfigError(Exception):
    """A mistake in the configuration, for the person who wrote it: ``<path>: <what>``."""


class Table:
    """Typed reads of the keys of one table; ``finish`` refuses those that were never read.

    A read of an absent key gives None, or an empty mapping.
    """

    def __init__(self, path: str, values: Mapping[str, Any]) -> None:
        self.path = path
        self._values = values
        self._read: set[str] = set()

    def names(self) -> tuple[str, ...]:
        """All keys, for tables whose keys are the user's own."""
        return tuple(self._values)

    def finish(self) -> None:
        for key in self._values:
            if key not in self._read:
                raise ConfigError(f"{self._at(key)}: unknown key")

    def text(self, key: str) -> str | None:
        value = self._get(key)
        if value is None or (isinstance(value, str) and value):
            return value
        raise ConfigError(f"{self._at(key)}: expected a text that is not empty")

    def words(self, key: str) -> tuple[str, ...] | None:
        """A list of texts, none of them empty, with at least one."""
        value = self._get(key)
        if value is None:
            return None
        if isinstance(value, list) and value and all(isinstance(w, str) and w for w in value):
            return tuple(value)
        raise ConfigError(f"{self._at(key)}: expected a list of texts that is not empty")

    def choice(self, key: str, choices: Sequence[T]) -> T | None:
        value = self._get(key)
        for choice in choices:
            if value == choice:
                return choice
        if value is None:
            return None
        raise ConfigError(f"{self._at(key)}: '{value}' is not one of {', '.join(choices)}")

    def count(self, key: str, *, least: int = 1) -> int | None:
        value = self._get(key)
        if value is None or (isinstance(value, int) and value >= least and value is not True):
            return value
        raise ConfigError(f"{self._at(key)}: expected a whole number of at least {least}")

    def seconds(self, key: str) -> float | None:
        value = self._get(key)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value)
        raise ConfigError(f"{self._at(key)}: expected a number of seconds above zero")

    def flag(self, key: str) -> bool | None:
        value = self._get(key)
        if value is None or isinstance(value, bool):
            return value
        raise ConfigError(f"{self._at(key)}: expected true or false")

    def table(self, key: str) -> Table:
        value = self._get(key)
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            raise ConfigError(f"{self._at(key)}: expected a table")
        return Table(self._at(key), value)

    def texts(self, key: str) -> dict[str, str]:
        """A table of texts, such as headers."""
        inner = self.table(key)
        return {name: inner.text(name) or "" for name in inner.names()}

    def _get(self, key: str) -> Any:
        self._read.add(key)
        return self._values.get(key)

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key
