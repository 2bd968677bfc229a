from typing import Any

import pytest


@pytest.fixture
def thread(client: Any) -> Any:
    return client.beta.threads.create()


@pytest.fixture
def greeted(client: Any) -> Any:
    """A thread in which the user has said hello."""
    return client.beta.threads.create(messages=[{"role": "user", "content": "hello"}])
