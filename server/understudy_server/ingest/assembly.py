"""Builds what takes the text of files into vector stores."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack

from understudy_server.config import CoreConfig
from understudy_server.documents.process import ProcessDocuments
from understudy_server.embeddings.port import Embeddings
from understudy_server.ingest.ingestion import Ingestion
from understudy_server.runs.collaborators import Collaborators
from understudy_server.runs.worker import Attendant
from understudy_server.store import tables


def open_ingestion(
    config: CoreConfig,
    shared: Collaborators,
    embeddings: Embeddings | None,
    stack: AsyncExitStack,
) -> Mapping[str, Attendant]:
    """Attendants for the worker, by kind of record; to be opened before the worker, so that it ends after it.

    Files go on while the worker waits for its runs, and are given back then.
    """
    documents = ProcessDocuments(
        memory=config.document_memory, timeout=config.document_timeout, at_once=config.ingestions
    )
    stack.push_async_callback(documents.close)
    ingestion = Ingestion(
        shared, documents=documents, embeddings=embeddings, slots=config.ingestions
    )
    stack.push_async_callback(ingestion.stop)
    return {tables.vector_files.kind: ingestion.attend}
