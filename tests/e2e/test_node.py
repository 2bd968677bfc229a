"""The Node SDK: the tests of ``node/``, against each deployment and both dialects."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.e2e.conftest import Site

_FOLDER = Path(__file__).parent / "node"


def test_the_suite_of_node(site: Site, dialect: str, installed_sdks: None) -> None:
    done = subprocess.run(
        ["node", "--test-reporter=spec", "suite.mjs"],
        cwd=_FOLDER,
        env={
            "PATH": os.environ["PATH"],
            "BASE_URL": site.url,
            "KEY": site.deployment.key,
            "DIALECT": dialect,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
