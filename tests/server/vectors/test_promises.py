"""Vector stores that come with assistants and threads, and files that come with messages."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty

from tests.server.runs.world import new_message
from tests.server.vectors.test_stores import DAY
from tests.server.vectors.world import PROJECT, Place, caller, open_place, static
from understudy.v1 import (
    assistant_pb2,
    message_pb2,
    run_pb2,
    thread_pb2,
    tool_pb2,
    vector_store_pb2,
)
from understudy_server.errors import (
    IdempotencyMismatch,
    InvalidRequest,
    NotFound,
    StateConflict,
    UnsupportedFile,
)
from understudy_server.store import tables

SEARCH = message_pb2.AttachmentTool(file_search=Empty())
CODE = message_pb2.AttachmentTool(code_interpreter=Empty())


def message(text: str, *attachments: tuple[str, message_pb2.AttachmentTool]) -> Any:
    made = new_message(text)
    for file_id, tool in attachments:
        made.attachments.add(file_id=file_id, tools=[tool])
    return made


def making(*file_ids: str, **fields: Any) -> tool_pb2.NewToolResources:
    store = tool_pb2.NewVectorStore(file_ids=file_ids, **fields)
    search = tool_pb2.NewFileSearchResources(vector_stores=[store])
    return tool_pb2.NewToolResources(file_search=search)


async def assistant(
    place: Place, resources: tool_pb2.NewToolResources, key: str | None = None
) -> assistant_pb2.Assistant:
    request = assistant_pb2.CreateAssistantRequest(model="scripted", tool_resources=resources)
    return await place.rooms.core.assistants.create(caller(key), request)


async def thread(place: Place, key: str | None = None, **fields: Any) -> thread_pb2.Thread:
    request = thread_pb2.CreateThreadRequest(**fields)
    return await place.rooms.core.threads.create(caller(key), request)


async def say(
    place: Place,
    thread_id: str,
    *attachments: tuple[str, message_pb2.AttachmentTool],
    key: str | None = None,
) -> message_pb2.Message:
    request = message_pb2.CreateMessageRequest(
        thread_id=thread_id, role=message_pb2.MESSAGE_ROLE_USER
    )
    request.content.text = "Hi"
    for file_id, tool in attachments:
        request.attachments.add(file_id=file_id, tools=[tool])
    return await place.rooms.core.messages.create(caller(key), request)


async def resources(place: Place, thread_id: str) -> tool_pb2.ToolResources:
    request = thread_pb2.GetThreadRequest(thread_id=thread_id)
    return (await place.rooms.core.threads.get(caller(), request)).tool_resources


async def errands(place: Place, thread_id: str) -> int:
    partition = tables.thread_partition(PROJECT, thread_id)
    return len(await tables.errands.list(place.memory, partition, limit=10))


def store_of(owner: Any) -> str:
    (id,) = owner.tool_resources.file_search.vector_store_ids
    return str(id)


async def test_an_assistant_comes_with_a_store_that_never_expires() -> None:
    async with open_place() as place:
        ids = await place.many_files(20)
        given = making(*ids, chunking_strategy=static(300, 10), metadata={"k": "v"})
        made = await assistant(place, given)
        store = await place.shown(store_of(made))
        assert store.file_counts.total == 20
        assert dict(store.metadata) == {"k": "v"}
        assert not store.HasField("expires_after")
        assert (await place.get(store.id, ids[0])).chunking_strategy == static(300, 10)
        left = await tables.errands.list(place.memory, tables.assistants_of(PROJECT), limit=10)
        assert left == []


async def test_a_thread_comes_with_a_store_that_expires_after_a_week() -> None:
    async with open_place() as place:
        one, two = await place.many_files(2)
        made = await thread(
            place, tool_resources=making(one), messages=[message("Hi", (two, SEARCH))]
        )
        store = await place.shown(store_of(made))
        assert store.expires_after.days == 7
        assert store.expires_at == store.created_at + 7 * DAY
        assert sorted(await place.listed(store.id)) == sorted([one, two])
        assert await errands(place, made.id) == 0


async def test_attachments_make_a_store_or_go_into_the_one_that_is_there() -> None:
    async with open_place() as place:
        one, two, three = await place.many_files(3)
        made = await thread(place)
        said = await say(place, made.id, (one, SEARCH))
        assert [attachment.file_id for attachment in said.attachments] == [one]
        (store,) = (await resources(place, made.id)).file_search.vector_store_ids
        assert (await place.shown(store)).expires_after.days == 7
        await say(place, made.id, (two, SEARCH), (three, CODE))
        after = await resources(place, made.id)
        assert list(after.file_search.vector_store_ids) == [store]
        assert list(after.code_interpreter.file_ids) == [three]
        assert sorted(await place.listed(store)) == sorted([one, two])
        assert await errands(place, made.id) == 0


async def test_attachments_go_into_a_store_that_was_given() -> None:
    async with open_place() as place:
        one, two = await place.many_files(2)
        store = await place.store()
        search = tool_pb2.NewFileSearchResources(vector_store_ids=[store])
        given = tool_pb2.NewToolResources(file_search=search)
        made = await thread(place, tool_resources=given, messages=[message("Hi", (one, SEARCH))])
        assert store_of(made) == store
        assert await place.listed(store) == [one]
        await say(place, made.id, (two, SEARCH))
        assert await place.listed(store) == [two, one]


async def test_a_store_that_is_gone_or_expired_is_replaced() -> None:
    async with open_place() as place:
        one, two, three = await place.many_files(3)
        made = await thread(place, messages=[message("Hi", (one, SEARCH))])
        first = store_of(made)
        await place.delete_store(first)
        await say(place, made.id, (two, SEARCH))
        (second,) = (await resources(place, made.id)).file_search.vector_store_ids
        assert await place.listed(second) == [two]
        await place.clock.advance(8 * DAY)
        await say(place, made.id, (three, SEARCH))
        (third,) = (await resources(place, made.id)).file_search.vector_store_ids
        assert await place.listed(third) == [three]
        assert len({first, second, third}) == 3


async def test_a_thread_has_at_most_20_files_for_code() -> None:
    async with open_place() as place:
        ids = await place.many_files(21)
        made = await thread(place, messages=[message("Hi", *((id, CODE) for id in ids[:19]))])
        await say(place, made.id, (ids[0], CODE), (ids[19], CODE))
        before = await resources(place, made.id)
        assert list(before.code_interpreter.file_ids) == ids[:20]
        with pytest.raises(InvalidRequest, match="maximum length 20, but got an array with len"):
            await say(place, made.id, (ids[20], CODE))
        assert await resources(place, made.id) == before


async def test_what_is_named_must_be_there() -> None:
    async with open_place() as place:
        one = await place.file()
        table = await place.file("a.csv")
        made = await thread(place)
        with pytest.raises(NotFound, match="The following files were not found: file-x") as error:
            await say(place, made.id, (one, SEARCH), ("file-x", CODE))
        assert error.value.param == "attachments[1].file_id"
        with pytest.raises(UnsupportedFile, match=r"\[\.csv\]") as unsupported:
            await say(place, made.id, (one, SEARCH), (table, SEARCH))
        assert unsupported.value.param == "attachments[1].file_id"
        await say(place, made.id, (table, CODE))
        with pytest.raises(NotFound, match="not found: file-x") as error:
            await thread(place, messages=[message("Hi"), message("Hi", ("file-x", SEARCH))])
        assert error.value.param == "messages[1].attachments[0].file_id"
        with pytest.raises(NotFound, match="not found: file-x") as error:
            await thread(place, tool_resources=making(one, "file-x"))
        where = "tool_resources.file_search.vector_stores[0].file_ids[1]"
        assert error.value.param == where
        with pytest.raises(UnsupportedFile) as unsupported:
            await assistant(place, making(table))
        assert unsupported.value.param == where.replace("[1]", "[0]")
        with pytest.raises(InvalidRequest, match="Expected a value <= 50") as invalid:
            await assistant(place, making(one, chunking_strategy=static(100, 60)))
        assert invalid.value.param == (
            "tool_resources.file_search.vector_stores[0]"
            ".chunking_strategy.static.chunk_overlap_tokens"
        )
        both = making(one)
        both.file_search.vector_store_ids.append(await place.store())
        with pytest.raises(InvalidRequest, match="together with 'vector_store_ids'"):
            await thread(place, tool_resources=both)
        absent = tool_pb2.ToolResources(
            file_search=tool_pb2.FileSearchResources(vector_store_ids=["vs_x"])
        )
        modify = thread_pb2.ModifyThreadRequest(thread_id=made.id, tool_resources=absent)
        with pytest.raises(NotFound, match=r"Vector store with id \[vs_x\] not found\."):
            await place.rooms.core.threads.modify(caller(), modify)


async def test_keys_find_what_they_made_though_the_files_have_gone() -> None:
    async with open_place() as place:
        one = await place.file()
        made = await thread(place, "t", tool_resources=making(one))
        helper = await assistant(place, making(one), "a")
        said = await say(place, made.id, (one, SEARCH), key="m")
        before = await resources(place, made.id)
        await place.lose_file(one)
        assert await thread(place, "t", tool_resources=making(one)) == made
        assert await assistant(place, making(one), "a") == helper
        assert await say(place, made.id, (one, SEARCH), key="m") == said
        assert await resources(place, made.id) == before
        with pytest.raises(NotFound, match="files were not found"):
            await thread(place, "other", tool_resources=making(one))
        with pytest.raises(IdempotencyMismatch):
            await thread(place, "t", tool_resources=making(one, one, "file-x"))


async def test_a_run_brings_files_of_its_additional_messages() -> None:
    async with open_place() as place:
        one, two = await place.many_files(2)
        made = await thread(place)
        helper = await assistant(place, tool_pb2.NewToolResources())
        request = run_pb2.CreateRunRequest(thread_id=made.id, assistant_id=helper.id)
        request.additional_messages.append(message("Hi", (one, SEARCH), (two, CODE)))
        await place.rooms.core.runs.create(caller(), request)
        after = await resources(place, made.id)
        assert list(after.code_interpreter.file_ids) == [two]
        (store,) = after.file_search.vector_store_ids
        assert await place.listed(store) == [one]
        assert await errands(place, made.id) == 0


async def test_a_thread_that_begins_with_a_run_has_its_store() -> None:
    async with open_place() as place:
        one, two = await place.many_files(2)
        helper = await assistant(place, tool_pb2.NewToolResources())
        request = run_pb2.CreateThreadAndRunRequest(assistant_id=helper.id)
        request.thread.tool_resources.CopyFrom(making(one))
        request.thread.messages.append(message("Hi", (two, SEARCH)))
        for _ in range(2):
            begun = await place.rooms.core.runs.create_thread_and_run(caller("k"), request)
            (store,) = begun.spec.run.tool_resources.file_search.vector_store_ids
            assert sorted(await place.listed(store)) == sorted([one, two])
        other = run_pb2.CreateThreadAndRunRequest(assistant_id=helper.id)
        other.tool_resources.file_search.vector_store_ids.append("vs_x")
        with pytest.raises(NotFound, match="vs_x") as error:
            await place.rooms.core.runs.create_thread_and_run(caller(), other)
        assert error.value.param == "tool_resources.file_search.vector_store_ids[0]"
        other.tool_resources.Clear()
        other.thread.messages.append(message("Hi", ("file-x", SEARCH)))
        with pytest.raises(NotFound, match="file-x") as error:
            await place.rooms.core.runs.create_thread_and_run(caller(), other)
        assert error.value.param == "thread.messages[0].attachments[0].file_id"


async def test_a_run_uses_its_stores_and_is_refused_for_one_that_has_expired() -> None:
    async with open_place() as place:
        helper = await assistant(place, tool_pb2.NewToolResources())
        made = await thread(place, tool_resources=making(await place.file()))
        store = store_of(made)
        first = (await place.shown(store)).last_active_at

        async def run() -> None:
            request = run_pb2.CreateRunRequest(thread_id=made.id, assistant_id=helper.id)
            begun = await place.rooms.core.runs.create(caller(), request)
            cancel = run_pb2.CancelRunRequest(thread_id=made.id, run_id=begun.spec.run.id)
            await place.rooms.core.stored_runs.cancel(caller(), cancel)

        await place.clock.advance(30)
        await run()
        assert (await place.shown(store)).last_active_at == first
        await place.clock.advance(6 * DAY)
        await run()
        shown = await place.shown(store)
        assert shown.last_active_at == first + 30 + 6 * DAY
        assert shown.expires_at == shown.last_active_at + 7 * DAY
        await place.clock.advance(7 * DAY)
        with pytest.raises(StateConflict, match=rf"^Vector store {store} is expired\.$"):
            await run()
        expired = await place.shown(store)
        assert expired.status == vector_store_pb2.VECTOR_STORE_STATUS_EXPIRED
        await place.delete_store(store)
        await run()


async def test_deleting_a_thread_leaves_no_promise() -> None:
    async with open_place() as place:
        made = await thread(place, messages=[message("Hi", (await place.file(), SEARCH))])
        request = thread_pb2.DeleteThreadRequest(thread_id=made.id)
        await place.rooms.core.threads.delete(caller(), request)
        await place.attend()
        assert (await place.shown(store_of(made))).file_counts.total == 1
