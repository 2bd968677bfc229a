"""Operations on models."""

from __future__ import annotations

from collections.abc import Sequence

from understudy.v1 import model_pb2
from understudy_server.errors import ModelNotFound, Unimplemented
from understudy_server.limits.models import is_allowed
from understudy_server.models.port import Models as Catalog


class Models:
    """``created`` is the server's start, in Unix seconds: providers do not all tell their own."""

    def __init__(self, catalog: Catalog, *, created: int) -> None:
        self._catalog = catalog
        self._created = created

    async def list(self, allowed: Sequence[str] = ()) -> model_pb2.ListModelsResponse:
        """``allowed``: those that the key may use; empty: all."""
        return model_pb2.ListModelsResponse(data=map(self._model, await self._names(allowed)))

    async def get(
        self, request: model_pb2.GetModelRequest, allowed: Sequence[str] = ()
    ) -> model_pb2.Model:
        """Only what is listed exists; a name that is not may still be served by a provider."""
        if request.model not in await self._names(allowed):
            raise ModelNotFound(request.model)
        return self._model(request.model)

    async def delete(self, request: model_pb2.DeleteModelRequest) -> model_pb2.DeleteModelResponse:
        if request.model not in await self._catalog.list_models():
            raise ModelNotFound(request.model)
        raise Unimplemented(
            f"The model '{request.model}' is configured on this server and cannot be deleted."
        )

    async def _names(self, allowed: Sequence[str]) -> Sequence[str]:
        names = await self._catalog.list_models()
        return [name for name in names if is_allowed(self._catalog, allowed, name)]

    def _model(self, name: str) -> model_pb2.Model:
        return model_pb2.Model(
            id=name,
            created=self._created,
            owned_by=self._catalog.resolve(name).provider,
        )
