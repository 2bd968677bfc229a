"""The core's composition root: the only place that builds things, and that ends them."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import grpc.aio
import structlog
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from understudy.v1 import (
    assistants_service_pb2,
    assistants_service_pb2_grpc,
    auth_service_pb2,
    auth_service_pb2_grpc,
    files_service_pb2,
    files_service_pb2_grpc,
    keys_service_pb2,
    keys_service_pb2_grpc,
    models_service_pb2,
    models_service_pb2_grpc,
    vector_stores_service_pb2,
    vector_stores_service_pb2_grpc,
)
from understudy_server.auth.assembly import open_access
from understudy_server.auth.scopes import Scopes
from understudy_server.auth.service import AuthService
from understudy_server.blobs.opener import open_blobs
from understudy_server.clock import SECOND, Clock, SystemClock
from understudy_server.config import CoreConfig
from understudy_server.embeddings.opener import OpenEmbeddings
from understudy_server.files.assembly import FileRoom, open_files
from understudy_server.ids import Ids, RandomIds
from understudy_server.ingest.assembly import open_ingestion
from understudy_server.limits.records import run_slots
from understudy_server.limits.runs import RunBudgets
from understudy_server.models.opener import open_models
from understudy_server.models.port import Models
from understudy_server.retrieval.embedded import EmbeddedRetrieval
from understudy_server.retrieval.port import Retrieval
from understudy_server.rpc.assistants import Assistants
from understudy_server.rpc.files import Files
from understudy_server.rpc.files_servicer import FilesServicer
from understudy_server.rpc.health import Health
from understudy_server.rpc.interceptors import CallInterceptor
from understudy_server.rpc.keys import Keys
from understudy_server.rpc.keys_servicer import KeysServicer
from understudy_server.rpc.limits import Limits
from understudy_server.rpc.messages import Messages
from understudy_server.rpc.models import Models as ModelOperations
from understudy_server.rpc.runs import Runs
from understudy_server.rpc.servicer import AssistantsServicer, ModelsServicer
from understudy_server.rpc.steps import Steps
from understudy_server.rpc.stored_runs import StoredRuns
from understudy_server.rpc.threads import Threads
from understudy_server.rpc.uploads import Uploads
from understudy_server.rpc.vector_store_batches import VectorStoreBatches
from understudy_server.rpc.vector_store_files import VectorStoreFiles
from understudy_server.rpc.vector_store_search import VectorStoreSearch
from understudy_server.rpc.vector_stores import VectorStores
from understudy_server.rpc.vector_stores_servicer import VectorStoresServicer
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.history import History
from understudy_server.runs.live import Live
from understudy_server.runs.worker import Worker
from understudy_server.store.opener import open_store
from understudy_server.store.port import Cautious, Store
from understudy_server.tools.none import NoFunctions
from understudy_server.vectors.attending import open_vectors
from understudy_server.vectors.membership import remove_file

SERVICES = (
    assistants_service_pb2.DESCRIPTOR.services_by_name["AssistantsService"],
    files_service_pb2.DESCRIPTOR.services_by_name["FilesService"],
    vector_stores_service_pb2.DESCRIPTOR.services_by_name["VectorStoresService"],
    models_service_pb2.DESCRIPTOR.services_by_name["ModelsService"],
    auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"],
    keys_service_pb2.DESCRIPTOR.services_by_name["KeysService"],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """A core that works; how it is reached is decided by who calls ``attach``."""

    assistants: AssistantsServicer
    files: FilesServicer
    vector_stores: VectorStoresServicer
    models: ModelsServicer
    auth: AuthService
    keys: KeysServicer
    health: Health
    interceptors: tuple[grpc.aio.ServerInterceptor, ...]
    first_key: str | None
    """The text of the key that was made because there was none; shown once, kept nowhere."""

    def attach(self, server: grpc.aio.Server) -> None:
        """Registers every service, with health and reflection."""
        assistants_service_pb2_grpc.add_AssistantsServiceServicer_to_server(self.assistants, server)
        files_service_pb2_grpc.add_FilesServiceServicer_to_server(self.files, server)
        vector_stores_service_pb2_grpc.add_VectorStoresServiceServicer_to_server(
            self.vector_stores, server
        )
        models_service_pb2_grpc.add_ModelsServiceServicer_to_server(self.models, server)
        auth_service_pb2_grpc.add_AuthServiceServicer_to_server(self.auth, server)
        keys_service_pb2_grpc.add_KeysServiceServicer_to_server(self.keys, server)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, server)
        names = [service.full_name for service in SERVICES]
        others = (health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection([*names, *others], server)


@asynccontextmanager
async def open_core(
    config: CoreConfig,
    *,
    store: Store | None = None,
    models: Models | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
) -> AsyncIterator[Core]:
    """A running core, which stops when the context ends.

    A collaborator that is given is used, and closed by its owner; the others are opened here. Raises
    ``InvalidStoreUrl``, ``InvalidPlace``, ``InvalidEmbeddings``, ``StoreUnavailable`` and ``BlobsUnavailable``.
    """
    clock = clock or SystemClock()
    ids = ids or RandomIds()
    async with AsyncExitStack() as stack:
        if store is None:
            store = await open_store(config.store, clock)
            stack.push_async_callback(store.close)
            if isinstance(store, Cautious):
                for words in await store.cautions():
                    structlog.get_logger().warning("store_may_lose", caution=words)
        if models is None:
            models = open_models(
                config.models,
                clock=clock,
                new_call_id=lambda: ids.new("call_"),
                jitter=random.random,
            )
            stack.push_async_callback(models.close)
        functions = config.functions or NoFunctions()
        blobs = await open_blobs(config.blobs)
        stack.push_async_callback(blobs.close)
        history = History(store, blobs, models, functions)
        embeddings = OpenEmbeddings(
            config.embeddings,
            dimensions=config.embedding_dimensions,
            models=config.models,
            clock=clock,
        )
        stack.push_async_callback(embeddings.close)
        retrieval = EmbeddedRetrieval(
            store=store, blobs=blobs, models=embeddings, memory=config.retrieval_memory
        )
        stack.push_async_callback(retrieval.close)
        budgets = RunBudgets(store, clock)
        stack.push_async_callback(budgets.close)
        shared = Collaborators(
            store=store,
            blobs=blobs,
            clock=clock,
            ids=ids,
            models=models,
            history=history,
            functions=functions,
            slots=budgets,
            lease=round(config.lease * SECOND),
            keep_model_requests=config.keep_model_requests,
        )
        files = open_files(shared, partial(remove_file, shared), stack)
        ingestion = open_ingestion(config, shared, embeddings.present, stack)
        live = Live()
        vectors = open_vectors(shared, stack)
        worker = Worker(
            shared,
            live,
            slots=config.concurrent_runs,
            grace=config.grace,
            attendants={
                run_slots.kind: budgets.attend,
                **files.attendants,
                **vectors,
                **ingestion,
            },
        )
        worker.start()
        stack.push_async_callback(worker.stop)
        yield await _assemble(config, shared, files, retrieval, live, worker, budgets, stack)


async def _assemble(
    config: CoreConfig,
    shared: Collaborators,
    files: FileRoom,
    retrieval: Retrieval,
    live: Live,
    worker: Worker,
    budgets: RunBudgets,
    stack: AsyncExitStack,
) -> Core:
    access = await open_access(config, shared.store, shared.clock, budgets, stack)
    interceptor = CallInterceptor(
        authenticator=access.authenticator,
        gate=access.gate,
        scopes=Scopes(SERVICES),
        limits=Limits(SERVICES),
        clock=shared.clock,
        log=structlog.get_logger(),
    )
    names = frozenset(service.full_name for service in SERVICES)
    health = Health(store=shared.store, clock=shared.clock, services=names)
    # Last in, first out: readiness goes before the worker stops.
    stack.callback(health.drain)
    runs = Runs(shared, worker, live, drop_unavailable_tools=config.drop_unavailable_tools)
    return Core(
        assistants=AssistantsServicer(
            assistants=Assistants(shared),
            threads=Threads(shared),
            messages=Messages(shared),
            runs=runs,
            stored_runs=StoredRuns(shared),
            steps=Steps(shared),
        ),
        files=FilesServicer(
            files=Files(
                shared, files.removal, limit=config.file_limit, downloads=config.file_downloads
            ),
            uploads=Uploads(shared),
        ),
        vector_stores=VectorStoresServicer(
            stores=VectorStores(shared),
            files=VectorStoreFiles(shared),
            batches=VectorStoreBatches(shared),
            search=VectorStoreSearch(shared, retrieval),
        ),
        models=ModelsServicer(ModelOperations(shared.models, created=shared.store.now() // SECOND)),
        auth=AuthService(),
        keys=KeysServicer(Keys(access.keys)),
        health=health,
        interceptors=(interceptor,),
        first_key=access.first_key,
    )
