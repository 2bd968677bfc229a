"""Objects of other services that a request refers to.

This server keeps no files and no vector stores yet, so none can be found: a reference is refused in OpenAI's
words rather than stored and ignored.
"""

from __future__ import annotations

from collections.abc import Iterable

from understudy.v1 import tool_pb2
from understudy_server.errors import InvalidRequest, NotFound


def check_files(references: Iterable[tuple[str, str]]) -> None:
    """``references``: file ids, and where in the request each one stands. Raises ``NotFound``."""
    missing = list(references)
    if missing:
        ids = ", ".join(dict.fromkeys(id for id, _ in missing))
        raise NotFound(f"The following files were not found: {ids}", param=missing[0][1])


def check_resources(
    given: tool_pb2.ToolResources | tool_pb2.NewToolResources, path: str = "tool_resources"
) -> None:
    """Raises ``NotFound``, or ``InvalidRequest`` for a store that is to be made on the way."""
    check_files(
        (id, f"{path}.code_interpreter.file_ids[{index}]")
        for index, id in enumerate(given.code_interpreter.file_ids)
    )
    for index, id in enumerate(given.file_search.vector_store_ids):
        raise NotFound(
            f"Vector store with id [{id}] not found.",
            param=f"{path}.file_search.vector_store_ids[{index}]",
        )
    if isinstance(given, tool_pb2.NewToolResources) and given.file_search.vector_stores:
        where = f"{path}.file_search.vector_stores"
        raise InvalidRequest(
            f"Unsupported parameter: '{where}' is not supported by this server.",
            reason="INVALID_VALUE",
            param=where,
        )


def stored(given: tool_pb2.NewToolResources) -> tool_pb2.ToolResources:
    """Resources as the object keeps them: what was made on the way is only an id then."""
    kept = tool_pb2.ToolResources()
    if given.HasField("code_interpreter"):
        kept.code_interpreter.CopyFrom(given.code_interpreter)
    if given.HasField("file_search"):
        kept.file_search.vector_store_ids.extend(given.file_search.vector_store_ids)
        kept.file_search.SetInParent()
    return kept


def fill_in(target: tool_pb2.NewToolResources, given: tool_pb2.ToolResources) -> None:
    """Gives ``target`` what ``given`` has for each tool that it does not name itself."""
    if given.HasField("code_interpreter") and not target.HasField("code_interpreter"):
        target.code_interpreter.CopyFrom(given.code_interpreter)
    if given.HasField("file_search") and not target.HasField("file_search"):
        target.file_search.vector_store_ids.extend(given.file_search.vector_store_ids)
