"""The whole core inside a program, without a server.

async with understudy_server.local() as channel:
    stub = AssistantsServiceStub(channel)
    assistant = await stub.CreateAssistant(CreateAssistantRequest(model="demo"))
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import grpc.aio

from understudy_server.app import open_core
from understudy_server.clock import Clock
from understudy_server.config import CoreConfig
from understudy_server.ids import Ids
from understudy_server.listening import in_process
from understudy_server.models.port import Models
from understudy_server.store.port import Store
from understudy_server.tools.port import Functions


@asynccontextmanager
async def local(
    *,
    store: str | Store = "memory://",
    models: Models | None = None,
    functions: Functions | None = None,
    config: CoreConfig | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    copy: bool = False,
) -> AsyncIterator[grpc.aio.Channel]:
    """A channel for the generated stubs, to a core of this process.

    ``store`` is a URL, or any object that meets the port; ``models`` likewise, by default those of
    ``config`` (the demo model); ``functions``, by default those of ``config`` (none), is what runs here
    rather than in the client. No key is needed. A message that was handed over must not be changed
    afterwards; ``copy`` copies instead, and finds programs that do.
    """
    settings = replace(config or CoreConfig(), auth=False)
    if isinstance(store, str):
        settings = replace(settings, store=store)
    if functions is not None:
        settings = replace(settings, functions=functions)
    opened = open_core(
        settings,
        store=None if isinstance(store, str) else store,
        models=models,
        clock=clock,
        ids=ids,
    )
    async with opened as core, in_process(core, copy=copy) as channel:
        yield channel
