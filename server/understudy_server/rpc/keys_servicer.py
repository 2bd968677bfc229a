"""KeysService, RPC by RPC: each one only says which operation answers it."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc.aio

from understudy.v1 import key_pb2, keys_service_pb2_grpc
from understudy_server.rpc.caller import caller
from understudy_server.rpc.keys import Keys

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class KeysServicer(keys_service_pb2_grpc.KeysServiceServicer):
    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def CreateKey(
        self, request: key_pb2.CreateKeyRequest, context: Context
    ) -> key_pb2.CreateKeyResponse:
        return await self._keys.create(caller(), request)

    async def ListKeys(
        self, request: key_pb2.ListKeysRequest, context: Context
    ) -> key_pb2.ListKeysResponse:
        return await self._keys.list(caller(), request)

    async def RotateKey(
        self, request: key_pb2.RotateKeyRequest, context: Context
    ) -> key_pb2.RotateKeyResponse:
        return await self._keys.rotate(caller(), request)

    async def RevokeKey(
        self, request: key_pb2.RevokeKeyRequest, context: Context
    ) -> key_pb2.RevokeKeyResponse:
        return await self._keys.revoke(caller(), request)
