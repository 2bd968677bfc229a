"""Searching a vector store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from understudy.v1 import vector_store_file_pb2 as files
from understudy.v1 import vector_store_search_pb2 as pb
from understudy_server import refused_values as words
from understudy_server.errors import InvalidRequest
from understudy_server.retrieval.filters import BadFilter, predicate
from understudy_server.retrieval.port import Hit, Retrieval, Search
from understudy_server.retrieval.rewriting import rewritten
from understudy_server.rpc import vector_lookup
from understudy_server.rpc.caller import Caller
from understudy_server.runs.collaborators import Collaborators
from understudy_server.vectors import expiry

_RESULTS: Final = 10


class VectorStoreSearch:
    def __init__(self, shared: Collaborators, retrieval: Retrieval) -> None:
        self._shared = shared
        self._retrieval = retrieval

    async def search(
        self, caller: Caller, request: pb.SearchVectorStoreRequest
    ) -> pb.SearchVectorStoreResponse:
        """Raises ``NotFound``, ``InvalidRequest`` and ``StateConflict``, and what a search raises."""
        queries = _queries(request)
        filters = request.filters if request.HasField("filters") else None
        check_filters(filters)
        found = await vector_lookup.active_store(
            self._shared, caller.project, request.vector_store_id
        )
        await expiry.touch(self._shared, found)
        options = request.ranking_options
        hits = await self._retrieval.search(
            Search(
                partition=found.partition,
                queries=queries,
                limit=request.max_num_results or _RESULTS,
                filters=filters,
                ranking="single" if options.ranker == pb.SEARCH_RANKER_NONE else "fused",
                threshold=options.score_threshold,
            )
        )
        return pb.SearchVectorStoreResponse(
            search_query=queries, data=[_result(hit) for hit in hits], has_more=False
        )


def check_filters(filters: pb.SearchFilter | None) -> None:
    """Raises ``InvalidRequest``, which names the part of the filter that makes no sense."""
    try:
        predicate(filters)
    except BadFilter as bad:
        raise _refusal(bad) from None


def _refusal(bad: BadFilter) -> InvalidRequest:
    path = bad.path
    match bad.kind:
        case "missing":
            return words.missing(path)
        case "empty":
            return words.empty_array(path)
        case "unknown":
            message, reason = f"Unknown parameter: '{path}'.", "UNKNOWN_PARAMETER"
        case "type":
            message = f"Invalid type for '{path}': expected {bad.words} for this type of filter."
            reason = "INVALID_TYPE"
        case _:
            message, reason = f"Invalid '{path}': {bad.words}.", "INVALID_VALUE"
    return InvalidRequest(message, reason=reason, param=path)


def _queries(request: pb.SearchVectorStoreRequest) -> Sequence[str]:
    is_text = request.query.WhichOneof("query") == "text"
    given = [request.query.text] if is_text else list(request.query.list.texts)
    for number, text in enumerate(given):
        if not text.strip():
            path = "query" if is_text else f"query[{number}]"
            raise words.empty_text(path)
    return [rewritten(text) for text in given] if request.rewrite_query else given


def _result(hit: Hit) -> pb.SearchResult:
    return pb.SearchResult(
        file_id=hit.file_id,
        filename=hit.filename,
        score=hit.score,
        attributes=hit.attributes,
        content=[files.VectorStoreText(type=files.VECTOR_STORE_TEXT_TYPE_TEXT, text=hit.text)],
    )
