"""The report is whole, fresh, and names only tests that there are."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.fidelity.judging import found, in_requests, in_responses, verdicts
from tests.fidelity.page import PAGE, ROOT
from tests.fidelity.report import named_tests, render


def test_each_property_has_a_verdict_and_each_verdict_a_property() -> None:
    assert found().keys() - verdicts().keys() == set(), "without a verdict"
    assert verdicts().keys() - found().keys() == set(), "not in the description"


def test_what_is_honoured_in_a_request_names_a_test_of_its_effect() -> None:
    """That it is accepted and comes back would not show that it does anything."""
    assert {
        key
        for key, verdict in verdicts().items()
        if verdict.kind == "honoured" and key in in_requests() and not verdict.tests
    } == set()


def test_what_is_not_honoured_says_why() -> None:
    assert {
        key
        for key, verdict in verdicts().items()
        if verdict.kind != "honoured" and not verdict.note
    } == set()
    for key, verdict in verdicts().items():
        allowed = {"honoured", "echoed", "idle", "refused"} if key in in_requests() else set()
        allowed |= {"honoured", "constant", "absent"} if key in in_responses() else set()
        assert verdict.kind in allowed, key


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "python -m tests.fidelity renews it"


def test_every_test_that_it_names_is_there() -> None:
    files = sorted({test.partition("::")[0] for test in named_tests()})
    variables = {n: v for n, v in os.environ.items() if not n.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    collected = subprocess.run(
        [*command, *files], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )
    assert collected.returncode == 0, collected.stdout + collected.stderr
    assert named_tests() - set(collected.stdout.splitlines()) == set()
