from __future__ import annotations

import pytest

from understudy_server.errors import (
    BlobsUnavailable,
    Conflict,
    EmbeddingError,
    InvalidFile,
    OutcomeUnknown,
    StoreUnavailable,
    UnsupportedFile,
)
from understudy_server.ingest import outcome
from understudy_server.ingest.outcome import Fail, Retry


@pytest.mark.parametrize(
    ("error", "tries", "seconds"),
    [
        (StoreUnavailable("x"), 1, 1),
        (OutcomeUnknown("x"), 3, 4),
        (Conflict(), 7, 60),
        (BlobsUnavailable("x"), 100_000, 60),
        (OSError("x"), 1, 1),
        (OSError("x"), outcome.MAX_TRIES - 1, 16),
    ],
)
def test_what_passes_is_tried_again_less_and_less_often(
    error: Exception, tries: int, seconds: float
) -> None:
    assert outcome.of(error, tries) == Retry(seconds)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (UnsupportedFile("Not this."), "Not this."),
        (InvalidFile("Broken."), "Broken."),
        (EmbeddingError("Away."), "Away."),
        (ValueError("secret"), outcome.SORRY),
    ],
)
def test_what_does_not_pass_has_failed(error: Exception, message: str) -> None:
    found = outcome.of(error, 1)
    assert isinstance(found, Fail)
    assert found.message == message


def test_a_machine_that_cannot_is_believed_in_the_end() -> None:
    assert isinstance(outcome.of(OSError("x"), outcome.MAX_TRIES), Fail)
