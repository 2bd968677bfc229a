"""A small encoder with random weights, as files, and its slow and simple twin."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, WIDE, HEADS, LAYERS, LONGEST, WORDS = 12, 20, 3, 2, 64, 100
CONFIG = {
    "hidden_size": WIDTH,
    "num_attention_heads": HEADS,
    "num_hidden_layers": LAYERS,
    "max_position_embeddings": LONGEST,
    "layer_norm_eps": 1e-12,
}

Weights = dict[str, np.ndarray[Any, np.dtype[np.float32]]]


def weights(seed: int = 7) -> Weights:
    random = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (WORDS, WIDTH),
        "embeddings.position_embeddings.weight": (LONGEST, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }

    def linear(name: str, out: int, into: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (out, into), (out,)

    def norm(name: str) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (WIDTH,)

    norm("embeddings.LayerNorm")
    for n in range(LAYERS):
        at = f"encoder.layer.{n}"
        for part in ("query", "key", "value"):
            linear(f"{at}.attention.self.{part}", WIDTH, WIDTH)
        linear(f"{at}.attention.output.dense", WIDTH, WIDTH)
        norm(f"{at}.attention.output.LayerNorm")
        linear(f"{at}.intermediate.dense", WIDE, WIDTH)
        linear(f"{at}.output.dense", WIDTH, WIDE)
        norm(f"{at}.output.LayerNorm")
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def write(folder: Path, given: Weights) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    content = b""
    for name, tensor in given.items():
        start = len(content)
        content += tensor.astype("<f4").tobytes()
        places = [start, len(content)]
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": places}
    # Integers are in such files, too, and are not read.
    header["embeddings.position_ids"] = {"dtype": "I64", "shape": [0], "data_offsets": [0, 0]}
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + content)
    (folder / "config.json").write_text(json.dumps(CONFIG))


def encode(given: Weights, tokens: list[int]) -> list[float]:
    """By loops over plain numbers, as a textbook writes it."""
    w = {name: tensor.astype(float).tolist() for name, tensor in given.items()}

    def linear(name: str, x: list[float]) -> list[float]:
        rows = zip(w[f"{name}.weight"], w[f"{name}.bias"], strict=True)
        return [sum(a * b for a, b in zip(row, x, strict=True)) + bias for row, bias in rows]

    def norm(name: str, x: list[float]) -> list[float]:
        mean = sum(x) / len(x)
        spread = math.sqrt(sum((v - mean) ** 2 for v in x) / len(x) + 1e-12)
        scales = zip(x, w[f"{name}.weight"], w[f"{name}.bias"], strict=True)
        return [(v - mean) / spread * scale + shift for v, scale, shift in scales]

    def add(a: list[float], b: list[float]) -> list[float]:
        return [x + y for x, y in zip(a, b, strict=True)]

    def gelu(x: float) -> float:
        return x * (1 + math.erf(x / math.sqrt(2))) / 2

    kind = w["embeddings.token_type_embeddings.weight"][0]
    xs = [
        norm(
            "embeddings.LayerNorm",
            add(
                add(w["embeddings.word_embeddings.weight"][token], kind),
                w["embeddings.position_embeddings.weight"][place],
            ),
        )
        for place, token in enumerate(tokens)
    ]
    for n in range(LAYERS):
        at = f"encoder.layer.{n}"
        q, k, v = (
            [linear(f"{at}.attention.self.{part}", x) for x in xs]
            for part in ("query", "key", "value")
        )
        size = WIDTH // HEADS
        mixed = [[0.0] * WIDTH for _ in xs]
        for head in range(HEADS):
            part = range(head * size, (head + 1) * size)
            for i in range(len(xs)):
                scores = [
                    sum(q[i][d] * k[j][d] for d in part) / math.sqrt(size) for j in range(len(xs))
                ]
                shares = [math.exp(score - max(scores)) for score in scores]
                for d in part:
                    mixed[i][d] = sum(s * v[j][d] for j, s in enumerate(shares)) / sum(shares)
        for i, x in enumerate(xs):
            y = norm(
                f"{at}.attention.output.LayerNorm",
                add(linear(f"{at}.attention.output.dense", mixed[i]), x),
            )
            wide = [gelu(each) for each in linear(f"{at}.intermediate.dense", y)]
            xs[i] = norm(f"{at}.output.LayerNorm", add(linear(f"{at}.output.dense", wide), y))
    mean = [sum(column) / len(xs) for column in zip(*xs, strict=True)]
    length = math.sqrt(sum(each * each for each in mean))
    return [each / length for each in mean]
