"""AuthService."""

from __future__ import annotations

from typing import Any

from grpc import aio

from understudy.v1.auth_service_pb2 import CheckKeyRequest, CheckKeyResponse
from understudy.v1.auth_service_pb2_grpc import AuthServiceServicer
from understudy_server.rpc.caller import caller


class AuthService(AuthServiceServicer):
    """The interceptor has checked the key before any of this runs; what is left is to say so."""

    async def CheckKey(  # noqa: N802 - the name of the RPC
        self, request: CheckKeyRequest, context: aio.ServicerContext[Any, Any]
    ) -> CheckKeyResponse:
        del request, context
        return CheckKeyResponse(project=caller().project)
