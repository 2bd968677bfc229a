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
