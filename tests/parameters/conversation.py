"""What is said in several turns: forced calls, parallel calls, refusals, images."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from tests.parameters.bodies import TOOLS
from tests.parameters.scene import IMAGE_URL, Scene, image, user
from tests.upstream import Call, Reason, Refuse, Say
from understudy.v1 import message_pb2, run_pb2


async def _two_turns(scene: Scene, **fields: Any) -> list[dict[str, Any]]:
    """The bodies of a run that makes a call and then answers."""
    scene.upstream.queue(Call("f"))
    run = await scene.run(**TOOLS, **fields)
    assert run.status == run_pb2.RUN_STATUS_REQUIRES_ACTION
    run = await scene.submit(run)
    assert run.status == run_pb2.RUN_STATUS_COMPLETED, run.last_error
    first, second = scene.bodies
    assert second["tools"] == first["tools"]
    return [first, second]


async def required_only_in_the_first_turn(scene: Scene) -> None:
    first, second = await _two_turns(scene, tool_choice={"mode": "TOOL_CHOICE_MODE_REQUIRED"})
    assert first["tool_choice"] == "required"
    assert "tool_choice" not in second


async def a_function_only_in_the_first_turn(scene: Scene) -> None:
    first, second = await _two_turns(scene, tool_choice={"function": {"name": "f"}})
    assert first["tool_choice"]["type"] == "function"
    assert "tool_choice" not in second


async def none_and_auto_in_each_turn(scene: Scene) -> None:
    for word in ("none", "auto"):
        mode = f"TOOL_CHOICE_MODE_{word.upper()}"
        bodies = await _two_turns(scene, tool_choice={"mode": mode})
        assert [body["tool_choice"] for body in bodies] == [word, word]
        scene.upstream.forget()


async def a_choice_of_nothing_is_refused(scene: Scene) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="must be specified with 'tools' parameter"):
        await scene.run(tool_choice={"mode": "TOOL_CHOICE_MODE_REQUIRED"})
    with pytest.raises(grpc.aio.AioRpcError, match="the run has no function 'g'"):
        await scene.run(**TOOLS, tool_choice={"function": {"name": "g"}})
    for hosted in ("code_interpreter", "file_search"):
        with pytest.raises(grpc.aio.AioRpcError, match=f"the run has no tool '{hosted}'"):
            await scene.run(**TOOLS, tool_choice={hosted: {}})
    assert scene.bodies == []


async def parallel_tool_calls_in_each_turn(scene: Scene) -> None:
    bodies = await _two_turns(scene, parallel_tool_calls=False)
    assert [body["parallel_tool_calls"] for body in bodies] == [False, False]


async def reasoning_is_given_back_with_its_calls(scene: Scene) -> None:
    scene.upstream.queue(Reason("gAAA"), Call("f"))
    run = await scene.run(model="o4-mini", reasoning_effort="REASONING_EFFORT_LOW", **TOOLS)
    run = await scene.submit(run)
    assert run.status == run_pb2.RUN_STATUS_COMPLETED, run.last_error
    roles = [line.role for line in scene.lines()]
    if scene.dialect.name == "chat":
        assert roles == ["user", "call", "tool"]
    else:
        assert roles == ["user", "reasoning", "call", "tool"]
        assert scene.lines()[1].text == "gAAA"
        assert [body["reasoning"] for body in scene.bodies] == [{"effort": "low"}] * 2


async def reasoning_stays_before_what_it_led_to(scene: Scene) -> None:
    scene.upstream.queue(Reason("gAAA"), Say("Let me see."), Reason("gBBB"), Call("f"))
    run = await scene.submit(await scene.run(model="o4-mini", **TOOLS))
    assert run.status == run_pb2.RUN_STATUS_COMPLETED, run.last_error
    told = [line.role for line in scene.lines()]
    if scene.dialect.name == "chat":
        assert told == ["user", "assistant", "call", "tool"]
    else:
        assert told == ["user", "reasoning", "assistant", "reasoning", "call", "tool"]
        assert [line.text for line in scene.lines()][1:4] == ["gAAA", "Let me see.", "gBBB"]
        assert {body["store"] for body in scene.bodies} == {False}


async def an_effort_of_the_assistants_is_in_force(scene: Scene) -> None:
    """The request to make thread and run at once cannot name another."""
    given = {"model": "o4-mini", "reasoning_effort": "REASONING_EFFORT_HIGH"}
    await scene.run(assistant=given)
    effort = {"effort": "high"} if scene.dialect.name == "responses" else "high"
    assert effort == scene.body.get("reasoning", scene.body.get("reasoning_effort"))


async def a_refusal_is_a_part(scene: Scene) -> None:
    scene.upstream.queue(Refuse("I will not."))
    run = await scene.run()
    assert run.status == run_pb2.RUN_STATUS_COMPLETED
    _, answer = await scene.messages(run.thread_id)
    (part,) = answer.content
    assert part.WhichOneof("part") == "refusal"
    assert part.refusal == "I will not."
    # The next run tells the model so.
    request = message_pb2.CreateMessageRequest(
        thread_id=run.thread_id,
        role=message_pb2.MESSAGE_ROLE_USER,
        content={"text": "Why?"},  # type: ignore[arg-type]  # protobuf takes a dict
    )
    await scene.stub.CreateMessage(request)
    again = run_pb2.CreateRunRequest(
        thread_id=run.thread_id, assistant_id=run.assistant_id, wait=True
    )
    assert (await scene.stub.CreateRun(again)).status == run_pb2.RUN_STATUS_COMPLETED
    _, refused, _ = scene.bodies[1][scene.dialect.conversation]
    assert refused["role"] == "assistant"
    assert refused["content"] == [{"type": "refusal", "refusal": "I will not."}]


_IMAGES = (image(), image("IMAGE_DETAIL_LOW"), image("IMAGE_DETAIL_HIGH"))


async def images_with_their_detail(scene: Scene) -> None:
    await scene.run(*_IMAGES)
    assert _shown(scene) == ["auto", "low", "high"]


async def additional_images_with_their_detail(scene: Scene) -> None:
    await scene.run(user("Look"), additional_messages=_IMAGES)
    assert _shown(scene) == ["auto", "low", "high"]


def _shown(scene: Scene) -> list[str]:
    """The details of all images, each of which comes after its text."""
    found = []
    for message in scene.body[scene.dialect.conversation][-3:]:
        text, image = message["content"]
        assert text["text"] == "What?"
        if scene.dialect.name == "chat":
            assert image["type"] == "image_url"
            image = image["image_url"]
            assert image["url"] == IMAGE_URL
        else:
            assert image["type"] == "input_image"
            assert image["image_url"] == IMAGE_URL
        found.append(image["detail"])
    return found
