"""A connection to an Understudy core: a channel that shows the key, and the stubs of every service on it.

async with understudy.connect("127.0.0.1:50051", api_key="sk-...") as client:
    assistant = await client.assistants.CreateAssistant(CreateAssistantRequest(model="demo"))

Synchronous programs use ``grpc`` and the generated stubs directly; the key is the metadata ``authorization``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

from understudy.key import with_key
from understudy.v1.assistants_service_pb2_grpc import AssistantsServiceStub
from understudy.v1.files_service_pb2_grpc import FilesServiceStub
from understudy.v1.keys_service_pb2_grpc import KeysServiceStub
from understudy.v1.models_service_pb2_grpc import ModelsServiceStub
from understudy.v1.vector_stores_service_pb2_grpc import VectorStoresServiceStub

_OPTIONS = (
    # A core that went away without a word is noticed within half a minute.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # A page of long messages has no natural bound.
    ("grpc.max_receive_message_length", -1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """PEM files for a connection with TLS."""

    ca: Path | None = None
    """Who may sign the server's certificate; None: whom this machine trusts."""
    certificate: Path | None = None
    """The client's own, for mutual TLS, with ``key``."""
    key: Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Raises ``OSError``."""
        return grpc.ssl_channel_credentials(
            root_certificates=_read(self.ca),
            private_key=_read(self.key),
            certificate_chain=_read(self.certificate),
        )


class Client:
    """Stubs over one channel. Use as a context, or ``close`` it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.assistants = AssistantsServiceStub(channel)
        """Assistants, threads, messages, runs and steps."""
        self.files = FilesServiceStub(channel)
        """Files, their bytes, and uploads in parts."""
        self.vector_stores = VectorStoresServiceStub(channel)
        """Vector stores, their files and batches of them, and searches."""
        self.models = ModelsServiceStub(channel)
        """The models that there are."""
        self.keys = KeysServiceStub(channel)
        """The API keys of the project, for a key with the scope ``admin``."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends every call: whoever waits for one gets ``asyncio.CancelledError``, as ``grpc.aio`` has it."""
        await self.channel.close()


def connect(
    target: str,
    *,
    api_key: str | None = None,
    tls: bool | Tls = False,
    options: Sequence[tuple[str, Any]] = (),
) -> Client:
    """A client for the core at ``target``: ``host:port``, ``unix:/path`` or ``dns:///name:port``.

    Connects with the first call, and again whenever the connection is lost. ``tls``: True for a server whose
    certificate this machine trusts; without, everything travels as plain text, the key too. ``options`` are gRPC's
    channel arguments. Use it inside of a running event loop. Raises ``OSError`` for a certificate that cannot be read.
    """
    arguments = [*_OPTIONS, *options]
    interceptors = with_key(api_key) if api_key else []
    if tls is False:
        return Client(
            grpc.aio.insecure_channel(target, options=arguments, interceptors=interceptors)
        )
    credentials = (Tls() if tls is True else tls).credentials()
    return Client(
        grpc.aio.secure_channel(target, credentials, options=arguments, interceptors=interceptors)
    )


def _read(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()
