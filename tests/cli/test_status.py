from __future__ import annotations

import pytest

from understudy_cli.status import exit_status
from understudy_server.embeddings.opener import InvalidEmbeddings
from understudy_server.errors import StoreUnavailable


@pytest.mark.parametrize(
    ("error", "status"), [(InvalidEmbeddings("embeddings: no"), 2), (StoreUnavailable("away"), 1)]
)
def test_mistakes_and_failures(
    capsys: pytest.CaptureFixture[str], error: Exception, status: int
) -> None:
    def run() -> None:
        raise error

    assert exit_status(run) == status
    assert capsys.readouterr().err == f"understudy: {error}\n"
