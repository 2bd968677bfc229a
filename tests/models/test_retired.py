"""The table of retired models, and the page that shows it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from understudy_server.models.retired import RETIRED

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def test_the_page_lists_every_name_with_its_day() -> None:
    rows = re.findall(r"^\| (\d{4}-\d\d-\d\d) \| (.*) \|$", PAGE, re.MULTILINE)
    assert {name: day for day, names in rows for name in re.findall("`(.*?)`", names)} == RETIRED


def test_days_are_days_in_their_order() -> None:
    days = list(map(date.fromisoformat, RETIRED.values()))
    assert days == sorted(days)
