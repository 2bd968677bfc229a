"""Two projects, one server: in no call can the one see, use or change what the other has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message

from tests.server.isolation.belongings import METHODS, Ids, Project, allowed
from tests.server.isolation.requests import NAMES_NOTHING, REQUESTS
from understudy_server.app import open_core
from understudy_server.config import CoreConfig
from understudy_server.listening import in_process

REFUSED = frozenset({grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT})
"""An id that is not found is NOT_FOUND; a part that is not of an upload is a wrong value."""

DESTROYING = ("Delete", "Cancel", "Complete", "Revoke")

LISTS = (
    "ListAssistants",
    "ListThreads",
    "ListProjectRuns",
    "ListFiles",
    "ListVectorStores",
    "ListKeys",
)


@asynccontextmanager
async def projects(folder: Path) -> AsyncIterator[tuple[Project, Project]]:
    config = CoreConfig(
        store=f"sqlite:///{folder}/store.db",
        blobs=str(folder / "files"),
        keys=allowed("a", "b"),
    )
    async with open_core(config) as core, in_process(core, copy=True) as channel:
        yield Project(channel, "key-a"), Project(channel, "key-b")


def strangers(own: Ids, other: Ids, make: Any) -> Iterator[tuple[str, Any]]:
    """``own`` requests with one of ``other``'s ids in them: which one, and the request."""
    plain = make(own)
    for field in fields(own):
        mixed = make(replace(own, **{field.name: getattr(other, field.name)}))
        if mixed != plain:
            yield field.name, mixed


def test_every_method_of_the_contract_is_here() -> None:
    assert set(REQUESTS) | NAMES_NOTHING == set(METHODS)


async def test_an_id_of_the_other_project_does_not_exist(tmp_path: Path) -> None:
    async with projects(tmp_path) as (a, b):
        theirs, ours = await a.settle("alpha"), await b.settle("beta")
        before = await seen(a, theirs)
        leaks = []
        for name, makes in REQUESTS.items():
            for make in makes:
                for which, request in strangers(ours, theirs, make):
                    code = await b.code(name, request)
                    if code not in REFUSED:
                        leaks.append((name, which, code.name))
        assert leaks == []
        assert await seen(a, theirs) == before


async def test_lists_hold_only_what_is_ones_own(tmp_path: Path) -> None:
    async with projects(tmp_path) as (a, b):
        theirs, ours = await a.settle("alpha"), await b.settle("beta")
        for name in LISTS:
            listed = await b.call(name, {})
            ids = {each.id for each in listed.data}
            assert ids, name
            assert ids <= set(ours.text()), name
            assert not ids & set(theirs.text()), name


async def test_the_same_requests_are_fine_with_ones_own_ids(tmp_path: Path) -> None:
    """Otherwise the first test would show nothing."""
    async with projects(tmp_path) as (a, b):
        del a
        ours = await b.settle("beta")
        # What ends something comes last, in an order in which nothing needs what is gone.
        last = [name for name in REQUESTS if name.startswith(DESTROYING)]
        order = [name for name in REQUESTS if name not in last] + sorted(
            last, key=lambda name: ("Thread" in name, "VectorStore" in name, name)
        )
        codes = {name: await b.code(name, REQUESTS[name][0](ours)) for name in order}
        missing = [name for name, code in codes.items() if code is grpc.StatusCode.NOT_FOUND]
        assert [name for name in missing if not name.startswith(DESTROYING)] == []


async def seen(project: Project, ids: Ids) -> list[Message]:
    """Everything that a project has, as it sees it."""
    names = (
        "GetAssistant",
        "GetThread",
        "GetMessage",
        "GetRun",
        "GetRunStep",
        "GetFile",
        "GetVectorStore",
        "GetVectorStoreFileBatch",
    )
    found = [await project.call(name, REQUESTS[name][0](ids)) for name in names]
    listed = await project.call("ListKeys", {})
    content = await project.call("GetFileContent", {"file_id": ids.file})
    return [*found, listed, *content]
