"""Whose thread, whose assistant, whose model: what a run works with, and what it belongs to."""

from __future__ import annotations

import grpc
import pytest

from tests.parameters.bodies import F
from tests.parameters.scene import Scene, user
from understudy.v1 import run_pb2, thread_pb2


async def only_that_threads_messages(scene: Scene) -> None:
    other, asked = await scene.thread(user("Not this")), await scene.thread(user("This"))
    run = await scene.run(thread_id=asked)
    assert run.thread_id == asked
    assert scene.said() == ["This"]
    assert [len(await scene.messages(id)) for id in (other, asked)] == [1, 2]


async def the_new_thread_and_its_messages(scene: Scene) -> None:
    run = await scene.run(
        thread={"messages": [user("One"), user("Two")], "metadata": {"colour": "blue"}}
    )
    thread = await scene.stub.GetThread(thread_pb2.GetThreadRequest(thread_id=run.thread_id))
    assert thread.metadata == {"colour": "blue"}
    assert scene.said() == ["One", "Two"]
    assert len(await scene.messages(run.thread_id)) == 3


async def that_assistants_parameters(scene: Scene) -> None:
    await scene.assistant(instructions="Not me.")
    asked = await scene.assistant(instructions="Me.")
    run = await scene.run(assistant_id=asked)
    assert run.assistant_id == asked
    assert scene.lines()[0].text == "Me."
    *_, answer = await scene.messages(run.thread_id)
    assert answer.assistant_id == asked


async def no_files_to_be_found(scene: Scene) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="files were not found: file_1") as caught:
        await scene.run(tool_resources={"code_interpreter": {"file_ids": ["file_1"]}})
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert scene.bodies == []


async def resources_for_the_new_thread(scene: Scene) -> None:
    run = await scene.run(tool_resources={"code_interpreter": {}})
    thread = await scene.stub.GetThread(thread_pb2.GetThreadRequest(thread_id=run.thread_id))
    assert thread.tool_resources.HasField("code_interpreter")
    assert run.tool_resources.HasField("code_interpreter")
    assert scene.body == scene.dialect.body("Hi")


async def metadata_of_the_run(scene: Scene) -> None:
    run = await scene.run(metadata={"colour": "blue"})
    request = run_pb2.GetRunRequest(thread_id=run.thread_id, run_id=run.id)
    assert (await scene.stub.GetRun(request)).metadata == {"colour": "blue"}
    thread = await scene.stub.GetThread(thread_pb2.GetThreadRequest(thread_id=run.thread_id))
    assert thread.metadata == {}


async def a_model_of_another_provider(scene: Scene) -> None:
    run = await scene.run(model="other/gpt-4o-mini")
    assert run.model == "other/gpt-4o-mini"
    assert scene.body["model"] == "gpt-4o-mini"
    assert scene.upstream.exchanges[0].path != scene.dialect.path


async def a_provider_that_is_not_there(scene: Scene) -> None:
    """Its name is then part of a name that only the default provider can know."""
    await scene.run(model="somebody/m")
    assert scene.body["model"] == "somebody/m"
    assert scene.upstream.exchanges[0].path == scene.dialect.path


async def additional_messages_join_the_thread(scene: Scene) -> None:
    answer = {"role": "MESSAGE_ROLE_ASSISTANT", "content": {"text": "B"}}
    run = await scene.run(user("A"), additional_messages=[answer, user("C")])
    assert scene.said() == ["A", "B", "C"]
    assert [line.role for line in scene.lines()] == ["user", "assistant", "user"]
    listed = await scene.messages(run.thread_id)
    assert [message.content[0].text.value for message in listed] == ["A", "B", "C", "echo: C"]


async def the_assistants_values_are_in_force(scene: Scene) -> None:
    run = await scene.run(
        assistant={
            "model": "gpt-4o-mini",
            "instructions": "Be kind.",
            "tools": [F],
            "temperature": 0.5,
            "top_p": 0.25,
            "response_format": {"json_object": {}},
            "metadata": {"colour": "blue"},
        }
    )
    body = scene.body
    assert body["model"] == run.model == "gpt-4o-mini"
    assert scene.lines()[0].text == run.instructions == "Be kind."
    assert len(body["tools"]) == len(run.tools) == 1
    assert (body["temperature"], body["top_p"]) == (0.5, 0.25)
    format = body["text"]["format"] if "text" in body else body["response_format"]
    assert format == {"type": "json_object"}
    assert run.metadata == {}
