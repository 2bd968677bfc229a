"""A project's keys by `client.keys`, on a real core."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest

import understudy
from understudy.v1.key_pb2 import (
    CreateKeyRequest,
    KeyLimits,
    KeyScope,
    ListKeysRequest,
    RevokeKeyRequest,
    RotateKeyRequest,
)
from understudy.v1.model_pb2 import ListModelsRequest
from understudy_server.app import open_core
from understudy_server.config import ConfiguredKey, CoreConfig
from understudy_server.listening import listen

ADMIN = "sk-test-admin-0123456789"
PLAIN = "sk-test-plain-0123456789"


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[str]:
    """The address of a core with a key for managing keys, and one that is for everything else."""
    config = CoreConfig(
        keys=(
            ConfiguredKey(key=ADMIN, project="shop", scopes=("admin",)),
            ConfiguredKey(key=PLAIN, project="shop"),
        )
    )
    address = f"unix:{folder}/core.sock"
    async with open_core(config) as core, listen(core, address, config):
        yield address


async def code(address: str, key: str) -> grpc.StatusCode:
    """How a call ends that needs the scope `read`."""
    async with understudy.connect(address, api_key=key) as client:
        try:
            await client.models.ListModels(ListModelsRequest())
        except grpc.aio.AioRpcError as error:
            return error.code()
        return grpc.StatusCode.OK


async def test_created_listed_rotated_revoked(tmp_path: Path) -> None:
    async with serving(tmp_path) as address, understudy.connect(address, api_key=ADMIN) as client:
        assert await code(address, ADMIN) is grpc.StatusCode.PERMISSION_DENIED
        limits = KeyLimits(requests_per_minute=600, models=["demo/demo"])
        asked = CreateKeyRequest(name="web", scopes=[KeyScope.KEY_SCOPE_READ], limits=limits)
        made = await client.keys.CreateKey(asked)
        assert made.key.name == "web"
        assert list(made.key.scopes) == [KeyScope.KEY_SCOPE_READ]
        assert made.key.limits == limits
        assert not made.key.HasField("expires_at")
        assert await code(address, made.secret) is grpc.StatusCode.OK

        rotated = await client.keys.RotateKey(RotateKeyRequest(key_id=made.key.id, overlap=3600))
        assert rotated.replaced.id == made.key.id
        assert rotated.key.name == "web"
        assert rotated.secret != made.secret
        assert await code(address, made.secret) is grpc.StatusCode.OK
        assert await code(address, rotated.secret) is grpc.StatusCode.OK

        listed = await client.keys.ListKeys(ListKeysRequest())
        assert {key.id for key in listed.data} == {made.key.id, rotated.key.id}
        assert not listed.has_more

        revoked = await client.keys.RevokeKey(RevokeKeyRequest(key_id=rotated.key.id))
        assert [key.id for key in revoked.data] == [rotated.key.id]
        assert revoked.data[0].HasField("revoked_at")
        listed = await client.keys.ListKeys(ListKeysRequest())
        ended = {key.id for key in listed.data if key.HasField("revoked_at")}
        assert ended == {rotated.key.id}


async def test_other_keys_may_not(tmp_path: Path) -> None:
    async with serving(tmp_path) as address, understudy.connect(address, api_key=PLAIN) as client:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.keys.CreateKey(CreateKeyRequest(name="more"))
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
