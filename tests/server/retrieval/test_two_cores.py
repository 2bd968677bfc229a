"""From an upload to a search: whole cores over one store and one folder of files, and a provider of embeddings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import pytest

from tests.upstream import ScriptedUpstream
from understudy.v1 import file_pb2, vector_store_pb2
from understudy.v1 import vector_store_file_pb2 as files
from understudy.v1 import vector_store_search_pb2 as pb
from understudy.v1.files_service_pb2_grpc import FilesServiceStub
from understudy.v1.vector_stores_service_pb2_grpc import VectorStoresServiceStub
from understudy_server.config import CoreConfig
from understudy_server.local import local
from understudy_server.models.provider import ModelsConfig, ProviderConfig


@dataclass(frozen=True)
class Client:
    """Of one core."""

    channel: grpc.aio.Channel

    async def upload(self, name: str, text: str) -> str:
        async def parts() -> AsyncIterator[file_pb2.CreateFileRequest]:
            new = file_pb2.NewFile(filename=name, purpose=file_pb2.UPLOAD_PURPOSE_ASSISTANTS)
            yield file_pb2.CreateFileRequest(metadata=new)
            yield file_pb2.CreateFileRequest(data=text.encode())

        file = await FilesServiceStub(self.channel).CreateFile(parts())
        return str(file.id)

    async def add(self, store_id: str, name: str, text: str) -> str:
        """A file that is ready to be searched when this returns."""
        stub = VectorStoresServiceStub(self.channel)
        file_id = await self.upload(name, text)
        request = files.CreateVectorStoreFileRequest(vector_store_id=store_id, file_id=file_id)
        file = await stub.CreateVectorStoreFile(request)
        get = files.GetVectorStoreFileRequest(vector_store_id=store_id, file_id=file_id)
        while file.status == files.VECTOR_STORE_FILE_STATUS_IN_PROGRESS:
            await asyncio.sleep(0.02)
            file = await stub.GetVectorStoreFile(get)
        assert file.status == files.VECTOR_STORE_FILE_STATUS_COMPLETED, file
        return file_id

    async def search(self, store_id: str, question: str) -> list[tuple[str, str]]:
        request = pb.SearchVectorStoreRequest(
            vector_store_id=store_id, query=pb.SearchQuery(text=question)
        )
        answer = await VectorStoresServiceStub(self.channel).SearchVectorStore(request)
        return [(result.filename, result.content[0].text) for result in answer.data]


@pytest.fixture
async def clients(tmp_path: Path) -> AsyncIterator[list[Client]]:
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(ScriptedUpstream())
        provider = ProviderConfig(
            name="acme", dialect="chat", base_url=upstream.base_url, api_key=upstream.api_key
        )
        config = CoreConfig(
            store=f"sqlite:///{tmp_path}/store.db?shared=true",
            blobs=str(tmp_path / "files"),
            models=ModelsConfig(providers=(provider,), default_provider="acme"),
            embeddings="acme/embed-3",
        )
        yield [
            Client(await stack.enter_async_context(local(store=config.store, config=config)))
            for _ in range(2)
        ]


async def test_a_file_that_is_ready_is_found_on_every_core_at_once(clients: list[Client]) -> None:
    first, second = clients
    stub = VectorStoresServiceStub(first.channel)
    store = await stub.CreateVectorStore(vector_store_pb2.CreateVectorStoreRequest(name="animals"))
    assert await second.search(store.id, "fox") == []
    for number in range(2):
        for one, other in ((first, second), (second, first)):
            name = f"{number}-{clients.index(one)}.txt"
            text = f"The {name[:3]} animal is a red fox."
            file_id = await one.add(store.id, name, text)
            assert (name, text) in await other.search(store.id, f"{name[:3]} animal")
            assert (name, text) in await one.search(store.id, f"{name[:3]} animal")
    delete = files.DeleteVectorStoreFileRequest(vector_store_id=store.id, file_id=file_id)
    await stub.DeleteVectorStoreFile(delete)
    for client in clients:
        names = [found for found, _ in await client.search(store.id, "animal")]
        assert len(names) == 3
        assert name not in names
