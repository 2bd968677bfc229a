from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fidelity.observed import observe
from tests.fidelity.traffic import Traffic


@pytest.fixture(scope="session")
def traffic() -> Traffic:
    """On a thread of its own, since the loop of this one belongs to other tests."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(observe).result()
