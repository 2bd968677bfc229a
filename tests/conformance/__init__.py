"""Suites that every implementation of a port passes, importable by authors of others."""

import pytest

for _suite in (
    "commits",
    "indexes",
    "lifecycle",
    "listing",
    "logs",
    "machine",
    "scanning",
    "watching",
):
    pytest.register_assert_rewrite(f"tests.conformance.store_{_suite}")
