"""Operations on assistants, threads and messages, as callers meet them."""

from __future__ import annotations

import pytest

from tests.server.runs.scripted import ScriptedModels, says
from tests.server.runs.world import caller, follow, function, new_message, open_world, text_of
from understudy.v1 import (
    assistant_pb2,
    message_pb2,
    run_pb2,
    run_step_pb2,
    thread_pb2,
)
from understudy_server.errors import InvalidRequest, NotFound
from understudy_server.rpc.caller import Caller

STRANGER = Caller(project="other", key_id="", request_id="")


async def test_another_project_sees_nothing() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        assistant, thread = await world.assistant(core), await world.thread(core, "Hi")
        begun = await world.run(core, thread, assistant)
        await world.clock.run_until(follow(core, begun))
        id = begun.spec.run.id
        for reading in (
            core.assistants.get(
                STRANGER, assistant_pb2.GetAssistantRequest(assistant_id=assistant)
            ),
            core.threads.get(STRANGER, thread_pb2.GetThreadRequest(thread_id=thread)),
            core.threads.delete(STRANGER, thread_pb2.DeleteThreadRequest(thread_id=thread)),
            core.messages.list(STRANGER, message_pb2.ListMessagesRequest(thread_id=thread)),
            core.stored_runs.get(STRANGER, run_pb2.GetRunRequest(thread_id=thread, run_id=id)),
            core.stored_runs.cancel(
                STRANGER, run_pb2.CancelRunRequest(thread_id=thread, run_id=id)
            ),
            core.runs.resume(STRANGER, run_pb2.StreamRunEventsRequest(thread_id=thread, run_id=id)),
            core.steps.list(
                STRANGER, run_step_pb2.ListRunStepsRequest(thread_id=thread, run_id=id)
            ),
        ):
            with pytest.raises(NotFound):
                await reading
        assert not (await core.threads.list(STRANGER, thread_pb2.ListThreadsRequest())).data
        assert not (
            await core.stored_runs.list_project(STRANGER, run_pb2.ListProjectRunsRequest())
        ).data


async def test_an_assistant_from_creation_to_deletion() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        id = await world.assistant(core, name="a", tools=[function("f")])
        changed = await core.assistants.modify(
            caller(), assistant_pb2.ModifyAssistantRequest(assistant_id=id, name="b")
        )
        assert changed.name == "b"
        assert changed == await core.assistants.get(
            caller(), assistant_pb2.GetAssistantRequest(assistant_id=id)
        )
        with pytest.raises(InvalidRequest, match="more than once"):
            await core.assistants.modify(
                caller(),
                assistant_pb2.ModifyAssistantRequest(
                    assistant_id=id, tools=[function("f"), function("f")]
                ),
            )
        delete = assistant_pb2.DeleteAssistantRequest(assistant_id=id)
        assert (await core.assistants.delete(caller(), delete)).deleted
        with pytest.raises(NotFound):
            await core.assistants.delete(caller(), delete)


async def test_messages_are_listed_newest_first_and_page_by_page() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        thread = await world.thread(core, *(str(number) for number in range(7)))
        request = message_pb2.ListMessagesRequest(thread_id=thread, limit=3)
        pages = []
        while True:
            page = await core.messages.list(caller(), request)
            pages.append([text_of(message) for message in page.data])
            if not page.has_more:
                break
            request.after = page.last_id
        assert pages == [["6", "5", "4"], ["3", "2", "1"], ["0"]]
        request = message_pb2.ListMessagesRequest(thread_id=thread, after="msg_x")
        with pytest.raises(NotFound):
            await core.messages.list(caller(), request)


async def test_files_are_refused_as_not_found() -> None:
    async with open_world(ScriptedModels(says("x"))) as world:
        core = world.core()
        message = new_message("Look")
        message.attachments.add(file_id="file_1")
        with pytest.raises(NotFound) as refused:
            await core.threads.create(caller(), thread_pb2.CreateThreadRequest(messages=[message]))
        assert refused.value.param == "messages[0].attachments[0].file_id"
