from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tests.server.embeddings import tiny
from understudy_server.embeddings.bert import Bert, BrokenWeights, _gelu, read_weights


def test_it_computes_what_a_textbook_does(tmp_path: Path) -> None:
    given = tiny.weights()
    tiny.write(tmp_path, given)
    bert = Bert(read_weights(tmp_path / "model.safetensors"), tiny.CONFIG)
    for tokens in ([1], [2, 3], [5, 99, 0, 7, 7, 3, 50]):
        np.testing.assert_allclose(bert.encode(tokens), tiny.encode(given, tokens), atol=1e-5)


def test_the_error_function() -> None:
    places = np.linspace(-9, 9, 2_001, dtype=np.float32).reshape(-1, 3)
    exact = [
        [float(x) * (1 + math.erf(float(x) / math.sqrt(2))) / 2 for x in row] for row in places
    ]
    np.testing.assert_allclose(_gelu(places), exact, atol=2e-6)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40, b"\x02" + b"\0" * 7 + b"[]"])
def test_a_file_that_is_something_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(BrokenWeights):
        read_weights(path)


def test_weights_of_another_model() -> None:
    with pytest.raises(BrokenWeights, match="no BERT encoder"):
        Bert({}, tiny.CONFIG)
    with pytest.raises(BrokenWeights, match="no BERT encoder"):
        Bert(tiny.weights(), {})
