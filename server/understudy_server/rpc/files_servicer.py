"""FilesService, RPC by RPC: each one only says which room answers it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc.aio

from understudy.v1 import (
    file_pb2,
    files_service_pb2_grpc,
    upload_pb2,
)
from understudy_server.rpc.caller import caller
from understudy_server.rpc.files import Files
from understudy_server.rpc.uploads import Uploads

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class FilesServicer(files_service_pb2_grpc.FilesServiceServicer):
    def __init__(self, *, files: Files, uploads: Uploads) -> None:
        self._files = files
        self._uploads = uploads

    async def CreateFile(
        self, request_iterator: AsyncIterator[file_pb2.CreateFileRequest], context: Context
    ) -> file_pb2.File:
        return await self._files.create(caller(), request_iterator)

    async def ListFiles(
        self, request: file_pb2.ListFilesRequest, context: Context
    ) -> file_pb2.ListFilesResponse:
        return await self._files.list(caller(), request)

    async def GetFile(self, request: file_pb2.GetFileRequest, context: Context) -> file_pb2.File:
        return await self._files.get(caller(), request)

    async def DeleteFile(
        self, request: file_pb2.DeleteFileRequest, context: Context
    ) -> file_pb2.DeleteFileResponse:
        return await self._files.delete(caller(), request)

    async def GetFileContent(
        self, request: file_pb2.GetFileContentRequest, context: Context
    ) -> AsyncIterator[file_pb2.GetFileContentResponse]:
        async with aclosing(self._files.content(caller(), request)) as parts:
            async for part in parts:
                yield part

    async def CreateUpload(
        self, request: upload_pb2.CreateUploadRequest, context: Context
    ) -> upload_pb2.Upload:
        return await self._uploads.create(caller(), request)

    async def AddUploadPart(
        self, request_iterator: AsyncIterator[upload_pb2.AddUploadPartRequest], context: Context
    ) -> upload_pb2.UploadPart:
        return await self._uploads.add_part(caller(), request_iterator)

    async def CompleteUpload(
        self, request: upload_pb2.CompleteUploadRequest, context: Context
    ) -> upload_pb2.Upload:
        return await self._uploads.complete(caller(), request)

    async def CancelUpload(
        self, request: upload_pb2.CancelUploadRequest, context: Context
    ) -> upload_pb2.Upload:
        return await self._uploads.cancel(caller(), request)
