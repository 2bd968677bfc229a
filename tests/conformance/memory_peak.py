"""How far the memory of this process grew at its peak (Linux)."""

from __future__ import annotations

from pathlib import Path
from typing import Self

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


class MemoryPeak:
    """Measures what happens inside of the context; ``grown`` in bytes, known at its end."""

    grown = 0

    def __enter__(self) -> Self:
        _CLEAR.write_text("5")  # The peak begins anew.
        self._before = _read("VmRSS")
        return self

    def __exit__(self, *exc: object) -> None:
        self.grown = _read("VmHWM") - self._before


def _read(name: str) -> int:
    for line in _STATUS.read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024
    raise AssertionError(f"no {name} in {_STATUS}")
