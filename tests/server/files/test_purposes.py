"""What follows from a file's purpose."""

from __future__ import annotations

import pytest

from understudy.v1 import file_pb2
from understudy_server.files.purposes import lifetime, purpose_of, word

WORDS = {
    "UPLOAD_PURPOSE_ASSISTANTS": "assistants",
    "UPLOAD_PURPOSE_BATCH": "batch",
    "UPLOAD_PURPOSE_FINE_TUNE": "fine-tune",
    "UPLOAD_PURPOSE_VISION": "vision",
    "UPLOAD_PURPOSE_USER_DATA": "user_data",
    "UPLOAD_PURPOSE_EVALS": "evals",
}


def test_every_purpose_of_an_upload_is_one_of_a_file() -> None:
    given = {name: number for name, number in file_pb2.UploadPurpose.items() if number}
    assert {name: word(purpose_of(number)) for name, number in given.items()} == WORDS


def test_words_of_purposes_that_only_servers_give() -> None:
    assert word(file_pb2.FILE_PURPOSE_FINE_TUNE_RESULTS) == "fine-tune-results"
    assert word(file_pb2.FILE_PURPOSE_BATCH_OUTPUT) == "batch_output"
    assert word(file_pb2.FILE_PURPOSE_ASSISTANTS_OUTPUT) == "assistants_output"


@pytest.mark.parametrize("name", WORDS)
def test_how_long_files_live(name: str) -> None:
    purpose = file_pb2.UploadPurpose.Value(name)
    after = file_pb2.FileExpirationAfter(seconds=3_600)
    assert lifetime(purpose, after) == 3_600
    assert lifetime(purpose, None) == (30 * 24 * 3_600 if name.endswith("BATCH") else 0)
