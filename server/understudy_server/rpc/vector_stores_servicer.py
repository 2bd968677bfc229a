"""VectorStoresService, RPC by RPC: each one only says which room answers it."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc.aio

from understudy.v1 import (
    vector_store_file_pb2,
    vector_store_pb2,
    vector_store_search_pb2,
    vector_stores_service_pb2_grpc,
)
from understudy_server.rpc.caller import caller
from understudy_server.rpc.vector_store_batches import VectorStoreBatches
from understudy_server.rpc.vector_store_files import VectorStoreFiles
from understudy_server.rpc.vector_store_search import VectorStoreSearch
from understudy_server.rpc.vector_stores import VectorStores

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class VectorStoresServicer(vector_stores_service_pb2_grpc.VectorStoresServiceServicer):
    def __init__(
        self,
        *,
        stores: VectorStores,
        files: VectorStoreFiles,
        batches: VectorStoreBatches,
        search: VectorStoreSearch,
    ) -> None:
        self._stores = stores
        self._files = files
        self._batches = batches
        self._search = search

    async def CreateVectorStore(
        self, request: vector_store_pb2.CreateVectorStoreRequest, context: Context
    ) -> vector_store_pb2.VectorStore:
        return await self._stores.create(caller(), request)

    async def ListVectorStores(
        self, request: vector_store_pb2.ListVectorStoresRequest, context: Context
    ) -> vector_store_pb2.ListVectorStoresResponse:
        return await self._stores.list(caller(), request)

    async def GetVectorStore(
        self, request: vector_store_pb2.GetVectorStoreRequest, context: Context
    ) -> vector_store_pb2.VectorStore:
        return await self._stores.get(caller(), request)

    async def ModifyVectorStore(
        self, request: vector_store_pb2.ModifyVectorStoreRequest, context: Context
    ) -> vector_store_pb2.VectorStore:
        return await self._stores.modify(caller(), request)

    async def DeleteVectorStore(
        self, request: vector_store_pb2.DeleteVectorStoreRequest, context: Context
    ) -> vector_store_pb2.DeleteVectorStoreResponse:
        return await self._stores.delete(caller(), request)

    async def SearchVectorStore(
        self, request: vector_store_search_pb2.SearchVectorStoreRequest, context: Context
    ) -> vector_store_search_pb2.SearchVectorStoreResponse:
        return await self._search.search(caller(), request)

    async def CreateVectorStoreFile(
        self, request: vector_store_file_pb2.CreateVectorStoreFileRequest, context: Context
    ) -> vector_store_file_pb2.VectorStoreFile:
        return await self._files.create(caller(), request)

    async def ListVectorStoreFiles(
        self, request: vector_store_file_pb2.ListVectorStoreFilesRequest, context: Context
    ) -> vector_store_file_pb2.ListVectorStoreFilesResponse:
        return await self._files.list(caller(), request)

    async def GetVectorStoreFile(
        self, request: vector_store_file_pb2.GetVectorStoreFileRequest, context: Context
    ) -> vector_store_file_pb2.VectorStoreFile:
        return await self._files.get(caller(), request)

    async def ModifyVectorStoreFile(
        self, request: vector_store_file_pb2.ModifyVectorStoreFileRequest, context: Context
    ) -> vector_store_file_pb2.VectorStoreFile:
        return await self._files.modify(caller(), request)

    async def DeleteVectorStoreFile(
        self, request: vector_store_file_pb2.DeleteVectorStoreFileRequest, context: Context
    ) -> vector_store_file_pb2.DeleteVectorStoreFileResponse:
        return await self._files.delete(caller(), request)

    async def GetVectorStoreFileContent(
        self, request: vector_store_file_pb2.GetVectorStoreFileContentRequest, context: Context
    ) -> vector_store_file_pb2.VectorStoreFileContent:
        return await self._files.content(caller(), request)

    async def CreateVectorStoreFileBatch(
        self, request: vector_store_file_pb2.CreateVectorStoreFileBatchRequest, context: Context
    ) -> vector_store_file_pb2.VectorStoreFileBatch:
        return await self._batches.create(caller(), request)

    async def GetVectorStoreFileBatch(
        self, request: vector_store_file_pb2.GetVectorStoreFileBatchRequest, context: Context
    ) -> vector_store_file_pb2.VectorStoreFileBatch:
        return await self._batches.get(caller(), request)

    async def CancelVectorStoreFileBatch(
        self, request: vector_store_file_pb2.CancelVectorStoreFileBatchRequest, context: Context
    ) -> vector_store_file_pb2.VectorStoreFileBatch:
        return await self._batches.cancel(caller(), request)

    async def ListFilesInVectorStoreBatch(
        self, request: vector_store_file_pb2.ListFilesInVectorStoreBatchRequest, context: Context
    ) -> vector_store_file_pb2.ListVectorStoreFilesResponse:
        return await self._batches.list_files(caller(), request)
