"""A small BERT encoder in numpy: enough to run MiniLM without a deep-learning framework. Pure, and slow to call.

A text of 256 tokens takes some tens of milliseconds; numpy lets other threads run meanwhile.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]

_HEADER: Final = 8
"""Bytes before the header of a safetensors file: its length."""

# Abramowitz and Stegun 7.1.26: the error function, exact to 1.5e-7, which is all that float32 can show.
_ERF: Final = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
_ERF_P: Final = 0.3275911


_ROWS: Final = 32
"""Of which the numbers fit into the processor's cache."""


class BrokenWeights(ValueError):
    """A file that holds no such encoder."""


def read_weights(path: Path) -> Mapping[str, Floats]:
    """The float32 tensors of a safetensors file, mapped from the disk.

    Raises ``BrokenWeights`` and ``OSError``.
    """
    try:
        content = np.memmap(path, dtype=np.uint8, mode="r")
        length = int(content[:_HEADER].view("<u8")[0])
        start = _HEADER + length
        header = json.loads(content[_HEADER:start].tobytes())
        return {
            name: _tensor(content, start, entry)
            for name, entry in header.items()
            if name != "__metadata__" and entry["dtype"] == "F32"
        }
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BrokenWeights(f"{path} is no safetensors file") from error


def _tensor(content: npt.NDArray[np.uint8], start: int, entry: Mapping[str, Any]) -> Floats:
    begin, end = entry["data_offsets"]
    tensor: Floats = np.frombuffer(content[start + begin : start + end].tobytes(), dtype="<f4")
    return tensor.reshape(entry["shape"])


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Floats
    """Shape (in, out)."""
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        result: Floats = x @ self.weight
        result += self.bias
        return result


@dataclass(frozen=True, slots=True)
class _Norm:
    scale: Floats
    shift: Floats
    epsilon: float

    def __call__(self, x: Floats) -> Floats:
        x = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt(np.mean(np.square(x), axis=-1, keepdims=True) + self.epsilon)
        result: Floats = x / spread * self.scale + self.shift
        return result


@dataclass(frozen=True, slots=True)
class _Layer:
    query_key_value: _Linear
    mixed: _Linear
    first_norm: _Norm
    widened: _Linear
    narrowed: _Linear
    second_norm: _Norm
    heads: int

    def __call__(self, x: Floats) -> Floats:
        x = self.first_norm(self.mixed(self._attend(x)) + x)
        return self.second_norm(self.narrowed(_gelu(self.widened(x))) + x)

    def _attend(self, x: Floats) -> Floats:
        tokens, width = x.shape
        size = width // self.heads
        parts = self.query_key_value(x).reshape(tokens, 3, self.heads, size)
        mixed = np.empty_like(x)
        # Head by head, since what one takes fits into the processor's cache.
        for head in range(self.heads):
            query, key, value = (parts[:, part, head] for part in range(3))
            scores: Floats = query @ key.T
            scores *= np.float32(1 / math.sqrt(size))
            scores -= scores.max(axis=-1, keepdims=True)
            np.exp(scores, out=scores)
            mean = scores @ value
            mean /= scores.sum(axis=-1, keepdims=True)
            mixed[:, head * size : (head + 1) * size] = mean
        return mixed


class Bert:
    """One encoder; any number of threads may use it at a time."""

    def __init__(self, weights: Mapping[str, Floats], config: Mapping[str, Any]) -> None:
        """``config``: its ``config.json``. Raises ``BrokenWeights``."""
        try:
            self.longest: int = config["max_position_embeddings"]
            self.width: int = config["hidden_size"]
            epsilon: float = config["layer_norm_eps"]
            self._words = weights["embeddings.word_embeddings.weight"]
            # There is one sentence in each text, so the token type is always the first.
            self._places = (
                weights["embeddings.position_embeddings.weight"]
                + weights["embeddings.token_type_embeddings.weight"][0]
            )
            self._norm = _norm(weights, "embeddings.LayerNorm", epsilon)
            self._layers = [
                _layer(weights, f"encoder.layer.{n}", config["num_attention_heads"], epsilon)
                for n in range(config["num_hidden_layers"])
            ]
        except (LookupError, TypeError, ValueError) as error:
            raise BrokenWeights(f"these weights are no BERT encoder: {error}") from error

    def encode(self, tokens: Sequence[int]) -> Floats:
        """The mean of what the encoder makes of each token, with length 1. At most ``longest`` tokens, one at least."""
        x = self._norm(self._words[list(tokens)] + self._places[: len(tokens)])
        for layer in self._layers:
            x = layer(x)
        mean = x.mean(axis=0)
        result: Floats = mean / np.linalg.norm(mean)
        return result


def _linear(weights: Mapping[str, Floats], *names: str) -> _Linear:
    """Several side by side are one multiplication."""
    joined = np.concatenate([weights[f"{name}.weight"] for name in names])
    bias = np.concatenate([weights[f"{name}.bias"] for name in names])
    return _Linear(np.ascontiguousarray(joined.T), bias)


def _norm(weights: Mapping[str, Floats], name: str, epsilon: float) -> _Norm:
    return _Norm(weights[f"{name}.weight"], weights[f"{name}.bias"], epsilon)


def _layer(weights: Mapping[str, Floats], name: str, heads: int, epsilon: float) -> _Layer:
    of = f"{name}.attention.self"
    return _Layer(
        query_key_value=_linear(weights, f"{of}.query", f"{of}.key", f"{of}.value"),
        mixed=_linear(weights, f"{name}.attention.output.dense"),
        first_norm=_norm(weights, f"{name}.attention.output.LayerNorm", epsilon),
        widened=_linear(weights, f"{name}.intermediate.dense"),
        narrowed=_linear(weights, f"{name}.output.dense"),
        second_norm=_norm(weights, f"{name}.output.LayerNorm", epsilon),
        heads=heads,
    )


def _gelu(x: Floats) -> Floats:
    """Of each x: x times the normal distribution's share below x."""
    result = np.empty_like(x)
    for start in range(0, len(x), _ROWS):
        result[start : start + _ROWS] = _gelu_of(x[start : start + _ROWS])
    return result


def _gelu_of(x: Floats) -> Floats:
    z = np.abs(x)
    z *= np.float32(1 / math.sqrt(2))
    t = z * np.float32(_ERF_P)
    t += np.float32(1)
    np.reciprocal(t, out=t)
    above: Floats = t * np.float32(_ERF[4])
    for factor in _ERF[3::-1]:
        above += np.float32(factor)
        above *= t
    z *= z
    np.negative(z, out=z)
    np.exp(z, out=z)
    # Half of 1 - erf: the share above |x|, which a positive x is without and a negative one has.
    above *= z
    above *= np.float32(0.5)
    above *= np.abs(x)
    result: Floats = np.maximum(x, 0)
    result -= above
    return result
