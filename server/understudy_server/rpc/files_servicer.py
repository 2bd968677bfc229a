"""FilesService, RPC by RPC: each one only says which room answers it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc.aio

from understudy.v1 import (
    file_pb2,
    files_service_pb2_grpc,
    upload_pb2,
)
from understudy_server.errors import Unimplemented

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class FilesServicer(files_service_pb2_grpc.FilesServiceServicer):
    async def CreateFile(
        self, request_iterator: AsyncIterator[file_pb2.CreateFileRequest], context: Context
    ) -> file_pb2.File:
        raise Unimplemented("This server does not offer this method.")

    async def ListFiles(
        self, request: file_pb2.ListFilesRequest, context: Context
    ) -> file_pb2.ListFilesResponse:
        raise Unimplemented("This server does not offer this method.")

    async def GetFile(self, request: file_pb2.GetFileRequest, context: Context) -> file_pb2.File:
        raise Unimplemented("This server does not offer this method.")

    async def DeleteFile(
        self, request: file_pb2.DeleteFileRequest, context: Context
    ) -> file_pb2.DeleteFileResponse:
        raise Unimplemented("This server does not offer this method.")

    async def GetFileContent(
        self, request: file_pb2.GetFileContentRequest, context: Context
    ) -> AsyncIterator[file_pb2.GetFileContentResponse]:
        yield self._not_offered()

    async def CreateUpload(
        self, request: upload_pb2.CreateUploadRequest, context: Context
    ) -> upload_pb2.Upload:
        raise Unimplemented("This server does not offer this method.")

    async def AddUploadPart(
        self, request_iterator: AsyncIterator[upload_pb2.AddUploadPartRequest], context: Context
    ) -> upload_pb2.UploadPart:
        raise Unimplemented("This server does not offer this method.")

    async def CompleteUpload(
        self, request: upload_pb2.CompleteUploadRequest, context: Context
    ) -> upload_pb2.Upload:
        raise Unimplemented("This server does not offer this method.")

    async def CancelUpload(
        self, request: upload_pb2.CancelUploadRequest, context: Context
    ) -> upload_pb2.Upload:
        raise Unimplemented("This server does not offer this method.")

    def _not_offered(self) -> file_pb2.GetFileContentResponse:
        raise Unimplemented("This server does not offer this method.")
