"""`understudy doctor`: what is wrong with an installation, in words."""

from __future__ import annotations

from understudy_cli.doctor.command import run

__all__ = ["run"]
