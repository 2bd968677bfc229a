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
from understudy_server.errors import Unimplemented

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class VectorStoresServicer(vector_stores_service_pb2_grpc.VectorStoresServiceServicer):
    async def CreateVectorStore(
        self, request: vector_store_pb2.CreateVectorStoreRequest, context: Context
    ) -> vector_store_pb2.VectorStore:
        raise Unimplemented("This server does not offer this method.")

    async def ListVectorStores(
        self, request: vector_store_pb2.ListVectorStoresRequest, context: Context
    ) -> vector_store_pb2.ListVectorStoresResponse:
        raise Unimplemented("This server does not offer this method.")

    async def GetVectorStore(
        self, request: vector_store_pb2.GetVectorStoreRequest, context: Context
    ) -> vector_store_pb2.VectorStore:
        raise Unimplemented("This server does not offer this method.")

    async def ModifyVectorStore(
        self, request: vector_store_pb2.ModifyVectorStoreRequest, context: Context
    ) -> vector_store_pb2.VectorStore:
        raise Unimplemented("This server does not offer this method.")

    async def DeleteVectorStore(
        self, request: vector_store_pb2.DeleteVectorStoreRequest, context: Context
    ) -> vector_store_pb2.DeleteVectorStoreResponse:
        raise Unimplemented("This server does not offer this method.")

    async def SearchVectorStore(
        self, request: vector_store_search_pb2.SearchVectorStoreRequest, context: Context
    ) -> vector_store_search_pb2.SearchVectorStoreResponse:
        raise Unimplemented("This server does not offer this method.")

    async def CreateVectorStoreFile(
        self, request: vector_store_file_pb2.CreateVectorStoreFileRequest, context: Context
    ) -> vector_store_file_pb2.VectorStoreFile:
        raise Unimplemented("This server does not offer this method.")

    async def ListVectorStoreFiles(
        self, request: vector_store_file_pb2.ListVectorStoreFilesRequest, context: Context
    ) -> vector_store_file_pb2.ListVectorStoreFilesResponse:
        raise Unimplemented("This server does not offer this method.")

    async def GetVectorStoreFile(
        self, request: vector_store_file_pb2.GetVectorStoreFileRequest, context: Context
    ) -> vector_store_file_pb2.VectorStoreFile:
        raise Unimplemented("This server does not offer this method.")

    async def ModifyVectorStoreFile(
        self, request: vector_store_file_pb2.ModifyVectorStoreFileRequest, context: Context
    ) -> vector_store_file_pb2.VectorStoreFile:
        raise Unimplemented("This server does not offer this method.")

    async def DeleteVectorStoreFile(
        self, request: vector_store_file_pb2.DeleteVectorStoreFileRequest, context: Context
    ) -> vector_store_file_pb2.DeleteVectorStoreFileResponse:
        raise Unimplemented("This server does not offer this method.")

    async def GetVectorStoreFileContent(
        self, request: vector_store_file_pb2.GetVectorStoreFileContentRequest, context: Context
    ) -> vector_store_file_pb2.VectorStoreFileContent:
        raise Unimplemented("This server does not offer this method.")

    async def CreateVectorStoreFileBatch(
        self, request: vector_store_file_pb2.CreateVectorStoreFileBatchRequest, context: Context
    ) -> vector_store_file_pb2.VectorStoreFileBatch:
        raise Unimplemented("This server does not offer this method.")

    async def GetVectorStoreFileBatch(
        self, request: vector_store_file_pb2.GetVectorStoreFileBatchRequest, context: Context
    ) -> vector_store_file_pb2.VectorStoreFileBatch:
        raise Unimplemented("This server does not offer this method.")

    async def CancelVectorStoreFileBatch(
        self, request: vector_store_file_pb2.CancelVectorStoreFileBatchRequest, context: Context
    ) -> vector_store_file_pb2.VectorStoreFileBatch:
        raise Unimplemented("This server does not offer this method.")

    async def ListFilesInVectorStoreBatch(
        self, request: vector_store_file_pb2.ListFilesInVectorStoreBatchRequest, context: Context
    ) -> vector_store_file_pb2.ListVectorStoreFilesResponse:
        raise Unimplemented("This server does not offer this method.")
