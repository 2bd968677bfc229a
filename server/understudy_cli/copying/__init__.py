"""`understudy copy`: everything from one store to another."""

from __future__ import annotations

from understudy_cli.copying.command import run

__all__ = ["run"]
