"""One of everything that a project can have, and calls by its key."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, fields
from typing import Any

import grpc
import grpc.aio
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from understudy_server.app import SERVICES
from understudy_server.auth.scopes import SCOPES
from understudy_server.config import ConfiguredKey


@dataclass(frozen=True, kw_only=True)
class Ids:
    """Of one project's objects."""

    assistant: str
    thread: str
    message: str
    run: str
    step: str
    file: str
    upload: str
    part: str
    vector_store: str
    batch: str
    key: str

    def text(self) -> list[str]:
        return [getattr(self, field.name) for field in fields(self)]


METHODS: dict[str, MethodDescriptor] = {
    method.name: method for service in SERVICES for method in service.methods
}


def allowed(*projects: str) -> tuple[ConfiguredKey, ...]:
    """A key for each, ``key-<project>``, that may do everything."""
    return tuple(
        ConfiguredKey(key=f"key-{project}", project=project, scopes=SCOPES) for project in projects
    )


class Project:
    """Makes calls by one key."""

    def __init__(self, channel: grpc.aio.Channel, key: str) -> None:
        self._channel = channel
        self._metadata = (("authorization", f"Bearer {key}"),)

    async def call(self, name: str, request: Any, *metadata: tuple[str, str]) -> Any:
        """The answer, or all messages of it.

        ``request``: a message, or a dict of its fields; for a method that takes a stream a list of messages.
        ``metadata``: beside the key. Raises ``AioRpcError``.
        """
        metadata = (*self._metadata, *metadata)
        method = METHODS[name]
        path = f"/{method.containing_service.full_name}/{name}"
        made = GetMessageClass(method.input_type)
        if isinstance(request, dict):
            request = made(**request)
        encode, decode = made.SerializeToString, GetMessageClass(method.output_type).FromString
        if method.client_streaming:
            stream = self._channel.stream_unary(path, encode, decode)
            return await stream(iter(request), metadata=metadata)
        if method.server_streaming:
            many = self._channel.unary_stream(path, encode, decode)
            return [message async for message in many(request, metadata=metadata)]
        return await self._channel.unary_unary(path, encode, decode)(request, metadata=metadata)

    async def code(self, name: str, request: Any) -> grpc.StatusCode:
        try:
            await self.call(name, request)
        except grpc.aio.AioRpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    async def settle(self, word: str) -> Ids:
        """Makes one of everything; ``word`` is in all their texts."""
        file = await self.upload(f"{word}.txt", f"{word} text".encode())
        assistant = await self.call("CreateAssistant", {"model": "demo", "name": word})
        thread = await self.call("CreateThread", {"metadata": {"of": word}})
        message = await self.call(
            "CreateMessage",
            {"thread_id": thread.id, "role": "MESSAGE_ROLE_USER", "content": {"text": word}},
        )
        run = await self.call(
            "CreateRun", {"thread_id": thread.id, "assistant_id": assistant.id, "wait": True}
        )
        steps = await self.call("ListRunSteps", {"thread_id": thread.id, "run_id": run.id})
        upload = await self.call(
            "CreateUpload",
            {
                "filename": f"{word}.txt",
                "purpose": "UPLOAD_PURPOSE_ASSISTANTS",
                "bytes": 4,
                "mime_type": "text/plain",
            },
        )
        part = await self.call("AddUploadPart", part_of(upload.id))
        store = await self.call("CreateVectorStore", {"name": word})
        batch = await self.call(
            "CreateVectorStoreFileBatch", {"vector_store_id": store.id, "file_ids": [file]}
        )
        key = await self.call("CreateKey", {"name": word})
        named = {"vector_store_id": store.id, "batch_id": batch.id}
        async with asyncio.timeout(60):
            while (  # noqa: ASYNC110  # as clients do it
                await self.call("GetVectorStoreFileBatch", named)
            ).file_counts.in_progress:
                await asyncio.sleep(0.02)
        return Ids(
            assistant=assistant.id,
            thread=thread.id,
            message=message.id,
            run=run.id,
            step=steps.data[0].id,
            file=file,
            upload=upload.id,
            part=part.id,
            vector_store=store.id,
            batch=batch.id,
            key=key.key.id,
        )

    async def upload(self, name: str, content: bytes) -> str:
        made = GetMessageClass(METHODS["CreateFile"].input_type)
        metadata = {"filename": name, "purpose": "UPLOAD_PURPOSE_ASSISTANTS"}
        file = await self.call("CreateFile", [made(metadata=metadata), made(data=content)])
        id: str = file.id
        return id


def part_of(upload_id: str) -> list[Message]:
    made = GetMessageClass(METHODS["AddUploadPart"].input_type)
    return [made(metadata={"upload_id": upload_id}), made(data=b"part")]
