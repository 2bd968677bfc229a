"""``python -m tests.fidelity`` writes ``docs/fidelity.md``."""

from __future__ import annotations

from tests.fidelity.page import PAGE
from tests.fidelity.report import render

PAGE.write_text(render(), encoding="utf-8")
