"""README's table of settings, from the settings: `python -m understudy_cli.readme README.md` writes it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from understudy_cli.settings import SETTINGS

_BETWEEN = re.compile(r"(<!-- settings: begin -->\n).*?(<!-- settings: end -->)", re.DOTALL)


def settings_table() -> str:
    """Markdown."""
    rows = ["| environment | flag | default | meaning |", "|---|---|---|---|"]
    for setting in SETTINGS:
        names = ", ".join(f"`{name}`" for name in setting.env)
        flag = f"`--{setting.name.replace('_', '-')}`" if setting.flag else ""
        default = f"`{setting.default}`" if setting.default else ""
        rows.append(f"| {names} | {flag} | {default} | {setting.meaning} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    path = Path(sys.argv[1])
    text = path.read_text(encoding="utf-8")
    path.write_text(
        _BETWEEN.sub(lambda match: match[1] + settings_table() + match[2], text), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
