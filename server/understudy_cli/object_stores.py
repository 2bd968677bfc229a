"""Keys of object stores that stand in ``.env``: the library that needs them reads the process's own environment."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

from understudy_cli.configuration import read_variables

_PREFIXES = ("AWS_", "AZURE_", "GOOGLE_")


def export_keys(environment: MutableMapping[str, str], folder: Path) -> None:
    """Adds what ``.env`` in ``folder`` says; what is set already stays."""
    for name, value in read_variables(environment, folder).items():
        if name.startswith(_PREFIXES):
            environment.setdefault(name, value)
