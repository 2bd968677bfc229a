"""Every client has the version of the distribution."""

from __future__ import annotations

import json
import re

from tests.clients.languages import CLIENTS
from understudy import __version__


def test_versions() -> None:
    package = json.loads((CLIENTS / "typescript/package.json").read_text())
    lock = json.loads((CLIENTS / "typescript/package-lock.json").read_text())
    go = re.search(r'const Version = "(.*)"', (CLIENTS / "go/client.go").read_text())
    pom = re.search(r"<version>(.*)</version>", (CLIENTS / "java/pom.xml").read_text())
    assert go
    assert pom
    assert {package["version"], lock["version"], go[1], pom[1]} == {__version__}


def test_the_texts_name_the_version() -> None:
    assert f"understudy-client-{__version__}.tgz" in (CLIENTS / "typescript/README.md").read_text()
    assert f"<version>{__version__}</version>" in (CLIENTS / "java/README.md").read_text()


def test_no_lock_file_says_where_a_package_came_from() -> None:
    lock = json.loads((CLIENTS / "typescript/package-lock.json").read_text())
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
