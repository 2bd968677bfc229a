"""What several tests of the store need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store.two_processes import Peer


@pytest.fixture(scope="session")
def peer() -> Iterator[Peer]:
    """Another process that opens stores. Each test opens its own file there."""
    with Peer() as peer:
        yield peer
