"""The embedding port: from texts to vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Vectors: TypeAlias = npt.NDArray[np.float32]
"""One row for each text; every row has length 1."""


class Embeddings(Protocol):
    @property
    def name(self) -> str:
        """``provider/model``: vectors of one name can be compared with each other, and with no others."""
        ...

    async def embed(self, texts: Sequence[str], *, of: Literal["passage", "query"]) -> Vectors:
        """Any number of texts, in batches as the provider takes them. Raises ``EmbeddingError``."""
        ...

    async def close(self) -> None: ...


class EmbeddingModels(Protocol):
    """The model that makes new vectors, and those that made the vectors which are there."""

    @property
    def present(self) -> Embeddings | None:
        """None: files get no vectors."""
        ...

    def named(self, name: str, dimensions: int) -> Embeddings | None:
        """What makes vectors that compare with others of this name and length; None if it is not to be had here."""
        ...

    async def close(self) -> None: ...
