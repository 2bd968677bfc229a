"""How well searches find, and what they cost: ``python -m tests.bench.bench_retrieval``.

Well: questions about Python's standard library (``questions.toml``) over its docstrings, searched by words, by vectors
and by both. Vectors come from the local model if it is installed; embedding everything takes some minutes.

Cost: the time of one search, and the memory, against the number of chunks; their words and vectors are random.
``--most 100000`` ends earlier than at a million chunks, which take 2 GB. ``--chart FILE.svg`` draws both.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from tests.bench.library_docs import documents, questions
from tests.bench.retrieval_chart import draw
from tests.server.retrieval.library import Document, FakeModels, Library
from understudy_server.documents.chunking import chunks
from understudy_server.embeddings.local import LocalEmbeddings, LocalMissing, model_folder
from understudy_server.retrieval.block import Block, join
from understudy_server.retrieval.embedded import EmbeddedRetrieval
from understudy_server.retrieval.filters import predicate
from understudy_server.retrieval.found import part_of, places
from understudy_server.retrieval.listing import Listing, SearchedFile
from understudy_server.retrieval.port import Search
from understudy_server.retrieval.scoring import Question
from understudy_server.retrieval.segment import decode, encode
from understudy_server.retrieval.words import terms_of

SIZE, OVERLAP = 800, 400
"""Tokens: the defaults of vector stores."""
DIMENSIONS = 384
SIZES = (1_000, 10_000, 100_000, 1_000_000)
FILE = 1_000
"""Chunks of one synthetic file."""
WORDS_OF_A_CHUNK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    at_5: float
    at_10: float
    reciprocal: float
    """The mean of 1 / the place of the answer; 0 where it is not among the first 10."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    chunks: int
    words: float
    vectors: float
    fused: float
    """Milliseconds."""
    memory: int
    """Bytes."""


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _quality() -> Mapping[str, Recall]:
    local = _local()
    texts = documents()
    with_vectors, without = Library(), Library(id="vs_2")
    begin, count = perf_counter(), 0
    for name, text in texts.items():
        bounds = list(chunks(text, size=SIZE, overlap=OVERLAP))
        count += len(bounds)
        plain = Document(text=text, bounds=bounds)
        await without.add(name, plain)
        if local is not None:
            vectors = await local.embed([text[b:e] for b, e in bounds], of="passage")
            await with_vectors.add(name, replace(plain, model=local.name, vectors=vectors))
    took = perf_counter() - begin
    _say(f"{len(texts)} documents, {count} chunks, {len(questions())} questions")
    results = {"words": await _recall(without, None, "fused")}
    if local is None:
        _say("the local model is not installed: no vectors")
    else:
        _say(f"embedded in {took:.0f} s, {1_000 * took / count:.0f} ms a chunk")
        results["vectors"] = await _recall(with_vectors, local, "single")
        results["fused"] = await _recall(with_vectors, local, "fused")
        await local.close()
    for name, found in results.items():
        _say(
            f"{name:<10} recall at 5 {found.at_5:6.1%}   at 10 {found.at_10:6.1%}"
            f"   mean reciprocal rank {found.reciprocal:.3f}"
        )
    return results


def _local() -> LocalEmbeddings | None:
    try:
        return LocalEmbeddings.open(model_folder())
    except LocalMissing:
        return None


class _OneModel(FakeModels):
    def __init__(self, model: LocalEmbeddings | None) -> None:
        super().__init__()
        self.present = model
        self._models = {} if model is None else {model.name: model}  # type: ignore[dict-item]


async def _recall(library: Library, model: LocalEmbeddings | None, ranking: str) -> Recall:
    retrieval = EmbeddedRetrieval(
        store=library.store, blobs=library.blobs, models=_OneModel(model), memory=1 << 30
    )
    ranks = []
    for question, answer in questions():
        found = await retrieval.search(
            Search(
                partition=library.partition,
                queries=[question],
                limit=10,
                ranking="single" if ranking == "single" else "fused",
            )
        )
        ranks.append(next((n for n, hit in enumerate(found, 1) if hit.file_id == answer), 0))
    await retrieval.close()
    return Recall(
        at_5=sum(1 <= rank <= 5 for rank in ranks) / len(ranks),
        at_10=sum(rank >= 1 for rank in ranks) / len(ranks),
        reciprocal=sum(1 / rank for rank in ranks if rank) / len(ranks),
    )


def _vectors(
    random: np.random.Generator, count: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    rows = random.standard_normal((count, DIMENSIONS), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def _file(random: np.random.Generator) -> Block:
    """Words as often as in a language: the n-th most frequent one has a share of about 1 / n."""
    numbers = np.minimum(random.zipf(1.2, size=(FILE, WORDS_OF_A_CHUNK)), 50_000)
    bounds, parts, at = [], [], 0
    for row in numbers:
        part = " ".join(f"w{number}" for number in row)
        bounds.append((at, at + len(part)))
        parts.append(part)
        at += len(part) + 1
    content = encode(
        " ".join(parts), bounds, embedding="bench/random", vectors=_vectors(random, FILE)
    )
    return Block.of("file/0", decode(content))


def _cost(most: int) -> Sequence[Cost]:
    random = np.random.default_rng(5)
    begin = perf_counter()
    different = [_file(random) for _ in range(4)]
    _say(f"loading: {4 * FILE / (perf_counter() - begin):,.0f} chunks of 200 words a second")
    costs = []
    for size in (each for each in SIZES if each <= most):
        # Blocks of 64 files, as large as they get in a server.
        files = [
            replace(different[number % 4], keys=(f"file/{number}",), vectors=_vectors(random, FILE))
            for number in range(size // FILE)
        ]
        blocks = [join(files[start : start + 32]) for start in range(0, len(files), 32)]
        costs.append(_measured(blocks, random))
        found = costs[-1]
        _say(
            f"{size:>9,} chunks   words {found.words:8.1f} ms   vectors {found.vectors:8.1f} ms"
            f"   fused {found.fused:8.1f} ms   {found.memory / 1e6:8.1f} MB"
        )
    return costs


def _measured(blocks: Sequence[Block], random: np.random.Generator) -> Cost:
    listing = Listing(
        files={
            key: SearchedFile(id=key, filename=key, attributes={}, size=0)
            for block in blocks
            for key in block.keys
        },
        bytes=0,
    )
    passes = predicate(None)
    terms = terms_of("w3 w50 w700 w4000 w20000")
    vectors = {("bench/random", DIMENSIONS): _vectors(random, 1)[0]}

    def milliseconds(question: Question, ranking: str) -> float:
        search = Search(
            partition=Library().partition,
            queries=["?"],
            limit=10,
            ranking="single" if ranking == "single" else "fused",
        )
        times = []
        for _ in range(7):
            begin = perf_counter()
            places([part_of(block, [question]) for block in blocks], listing, search, passes)
            times.append(1_000 * (perf_counter() - begin))
        # Whatever else the machine does only makes it slower.
        return min(times)

    nothing = terms_of("")
    return Cost(
        chunks=sum(block.size for block in blocks),
        words=milliseconds(Question(terms=terms, vectors={}), "fused"),
        vectors=milliseconds(Question(terms=nothing, vectors=vectors), "single"),
        fused=milliseconds(Question(terms=terms, vectors=vectors), "fused"),
        memory=sum(block.bytes for block in blocks),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_retrieval")
    parser.add_argument("--most", type=int, default=SIZES[-1], help="chunks of the largest store")
    parser.add_argument("--chart", type=Path, help="where to draw the figures, as SVG")
    options = parser.parse_args()
    recalls = asyncio.run(_quality())
    costs = _cost(options.most)
    if options.chart:
        shares = {name: (each.at_5, each.at_10) for name, each in recalls.items()}
        times = {
            name: [(each.chunks, getattr(each, name)) for each in costs]
            for name in ("words", "vectors", "fused")
        }
        options.chart.write_text(draw(shares, times), encoding="utf-8")


if __name__ == "__main__":
    main()
