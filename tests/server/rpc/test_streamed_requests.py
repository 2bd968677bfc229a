"""What happens around an RPC whose request is a stream, over a real connection and in-process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import structlog
from google.rpc.status_pb2 import Status
from grpc import StatusCode, aio

from tests.clock import FakeClock
from tests.server.rpc.guarded import Lines
from understudy.v1.error_pb2 import ErrorDetail, Reason
from understudy.v1.file_pb2 import (
    CreateFileRequest,
    File,
    FileExpirationAfter,
    FileExpirationAnchor,
    NewFile,
    UploadPurpose,
)
from understudy.v1.files_service_pb2 import DESCRIPTOR as FILES
from understudy.v1.files_service_pb2_grpc import (
    FilesServiceServicer,
    FilesServiceStub,
    add_FilesServiceServicer_to_server,
)
from understudy_server import errors
from understudy_server.auth.authenticator import KeyAuthenticator
from understudy_server.auth.keys import ApiKeys
from understudy_server.auth.making import key_hash
from understudy_server.auth.scopes import Scopes
from understudy_server.inprocess import InProcessChannel, InProcessServer
from understudy_server.limits.admission import Admission
from understudy_server.limits.runs import RunBudgets
from understudy_server.rpc.caller import Caller, caller
from understudy_server.rpc.interceptors import CallInterceptor
from understudy_server.rpc.limits import Limits
from understudy_server.rpc.stalling import SENDER_PATIENCE
from understudy_server.store.memory import MemoryStore

KEY = (("authorization", "Bearer secret"),)
PURPOSE = UploadPurpose.UPLOAD_PURPOSE_ASSISTANTS
GOOD = NewFile(filename="a.txt", purpose=PURPOSE)


class Script(FilesServiceServicer):
    """Reads what it is sent, and keeps how that ended."""

    def __init__(self) -> None:
        self.callers: list[Caller] = []
        self.seen: list[str | None] = []
        self.failure: Exception | None = None
        self.reading = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.ended = False

    async def CreateFile(self, request_iterator: Any, context: Any) -> File:
        self.callers.append(caller())
        try:
            async for request in request_iterator:
                self.seen.append(request.WhichOneof("part"))
                self.reading.set()
                if self.failure is not None:
                    raise self.failure
            self.ended = True
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return File(id="file-1", bytes=len(self.seen))


class World:
    def __init__(self, *, sender_patience: float = SENDER_PATIENCE) -> None:
        clock = FakeClock()
        store = MemoryStore(clock)
        self.script = Script()  # type: ignore[abstract]  # what is missing is missing on purpose
        self.log = Lines()
        self.interceptor = CallInterceptor(
            authenticator=KeyAuthenticator(
                keys=ApiKeys(store=store, clock=clock),
                clock=clock,
                environment={key_hash("secret"): "acme"},
            ),
            gate=Admission(store, clock, RunBudgets(store, clock)),
            scopes=Scopes(FILES.services_by_name.values()),
            limits=Limits(FILES.services_by_name.values()),
            clock=clock,
            sender_patience=sender_patience,
            log=structlog.wrap_logger(
                None,
                processors=[self.log],
                wrapper_class=structlog.make_filtering_bound_logger("debug"),
            ),
        )
        self.channel: aio.Channel

    async def start(self, kind: str, stack: AsyncExitStack) -> None:
        server: aio.Server
        if kind == "wire":
            server = aio.server(interceptors=[self.interceptor])
            port = server.add_insecure_port("127.0.0.1:0")
            self.channel = aio.insecure_channel(f"127.0.0.1:{port}")
        else:
            server = local = InProcessServer(interceptors=[self.interceptor])
            self.channel = InProcessChannel(local, copy=True)
        add_FilesServiceServicer_to_server(self.script, server)
        await server.start()
        stack.push_async_callback(server.stop, None)
        stack.push_async_callback(self.channel.close)

    def create(self, *parts: CreateFileRequest, metadata: Any = KEY) -> Any:
        return FilesServiceStub(self.channel).CreateFile(iter(parts), metadata=metadata)

    async def code(self) -> Any:
        """What the call's one line says."""
        await self.log.call.wait()
        (line,) = [entry for entry in self.log.entries if entry["event"] == "call"]
        return line["code"]


@pytest.fixture(params=["wire", "inprocess"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        world = World()
        await world.start(request.param, stack)
        yield world


def metadata_of(new: NewFile) -> CreateFileRequest:
    return CreateFileRequest(metadata=new)


def data(content: bytes) -> CreateFileRequest:
    return CreateFileRequest(data=content)


async def failure(call: Any) -> tuple[StatusCode, str, str]:
    with pytest.raises(aio.AioRpcError) as caught:
        await call
    rich = Status.FromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
    detail = ErrorDetail()
    assert rich.details[0].Unpack(detail)
    return caught.value.code(), Reason.Name(detail.reason), detail.param


async def test_every_message_comes_through(world: World) -> None:
    metadata = (*KEY, ("x-request-id", "req_1"), ("idempotency-key", "once"))
    answer = await world.create(data(b"a"), metadata_of(GOOD), data(b"b"), metadata=metadata)
    assert answer.bytes == 3
    assert world.script.seen == ["data", "metadata", "data"]
    (known,) = world.script.callers
    assert (known.project, known.request_id, known.idempotency_key) == ("acme", "req_1", "once")
    assert await world.code() == "OK"


async def test_nobody_reads_for_a_stranger(world: World) -> None:
    call = world.create(metadata_of(NewFile()), metadata=())
    assert await failure(call) == (StatusCode.UNAUTHENTICATED, "REASON_MISSING_API_KEY", "")
    assert world.script.callers == []
    assert await world.code() == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("new", "reason", "param"),
    [
        (NewFile(purpose=PURPOSE), "REASON_MISSING_REQUIRED_PARAMETER", "filename"),
        (NewFile(filename="a"), "REASON_MISSING_REQUIRED_PARAMETER", "purpose"),
        (NewFile(filename="a", purpose=99), "REASON_INVALID_VALUE", "purpose"),  # type: ignore[arg-type]  # no such word
        (
            NewFile(filename="a" * 513, purpose=PURPOSE),
            "REASON_STRING_ABOVE_MAX_LENGTH",
            "filename",
        ),
        (
            NewFile(
                filename="a",
                purpose=PURPOSE,
                expires_after=FileExpirationAfter(
                    anchor=FileExpirationAnchor.FILE_EXPIRATION_ANCHOR_CREATED_AT, seconds=9
                ),
            ),
            "REASON_INTEGER_BELOW_MIN_VALUE",
            "expires_after.seconds",
        ),
    ],
)
async def test_limits_name_the_fields_of_the_form(
    world: World, new: NewFile, reason: str, param: str
) -> None:
    call = world.create(data(b"a"), metadata_of(new), data(b"b"))
    assert await failure(call) == (StatusCode.INVALID_ARGUMENT, reason, param)
    # The handler is not given the message, nor anything after it.
    assert world.script.seen == ["data"]
    assert await world.code() == "INVALID_ARGUMENT"


async def test_errors_in_the_middle_of_a_stream(world: World) -> None:
    world.script.failure = errors.TooLarge("too much")
    code, reason, _ = await failure(world.create(data(b"a"), data(b"b")))
    assert (code, reason) == (StatusCode.RESOURCE_EXHAUSTED, "REASON_REQUEST_TOO_LARGE")
    assert world.script.seen == ["data"]
    assert await world.code() == "RESOURCE_EXHAUSTED"


async def test_a_client_that_gives_up_is_no_end_of_the_stream(world: World) -> None:
    never = asyncio.Event()

    async def parts() -> AsyncIterator[CreateFileRequest]:
        yield data(b"a")
        await never.wait()

    call = FilesServiceStub(world.channel).CreateFile(parts(), metadata=KEY)
    await world.script.reading.wait()
    call.cancel()
    await world.script.cancelled.wait()
    assert not world.script.ended
    assert await world.code() == "CANCELLED"


async def test_a_piece_that_cannot_be_read_ends_the_call_there(world: World) -> None:
    def same(data: bytes) -> bytes:
        return data

    call = world.channel.stream_unary("/understudy.v1.FilesService/CreateFile", same, same)
    good = CreateFileRequest(metadata=GOOD).SerializeToString()
    with pytest.raises(aio.AioRpcError) as caught:
        await call(iter([good, b"\xff\xff"]), metadata=KEY)
    status = Status.FromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
    assert (caught.value.code(), len(status.details)) == (StatusCode.INVALID_ARGUMENT, 1)
    assert world.script.seen == ["metadata"]
    assert not world.script.ended
    assert await world.code() == "INVALID_ARGUMENT"


@pytest.mark.parametrize("kind", ["wire", "inprocess"])
async def test_who_sends_nothing_more_is_cut(kind: str) -> None:
    async with AsyncExitStack() as stack:
        world = World(sender_patience=0.2)
        await world.start(kind, stack)
        silent = asyncio.Event()

        async def parts() -> AsyncIterator[CreateFileRequest]:
            yield metadata_of(GOOD)
            await silent.wait()

        call = FilesServiceStub(world.channel).CreateFile(parts(), metadata=KEY)
        assert await failure(call) == (StatusCode.UNAVAILABLE, "REASON_UNAVAILABLE", "")
        assert "nothing more of it was sent" in (await call.details())
        assert not world.script.ended
        assert await world.code() == "UNAVAILABLE"
        silent.set()
