"""The official SDK, unmodified, against a scripted core: what a stub server of bytes cannot show."""

from __future__ import annotations

from typing import Any

import aiohttp
import openai
import pytest

from tests.edge.events import batch, created, delta, scripted
from tests.edge.fake_core import GOOD_KEY, Context, FakeCore, fail
from understudy.v1 import assistant_pb2, content_pb2, event_pb2, message_pb2, run_pb2

# The SDK marks the whole API as deprecated, in various words.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
TEXT = content_pb2.ContentPart(text=content_pb2.TextContent(value="Hello"))
RUN = run_pb2.Run(id="run_1", thread_id="t", status=run_pb2.RUN_STATUS_COMPLETED)
MESSAGE = message_pb2.Message(
    id="msg_1", thread_id="t", run_id="run_1", role=message_pb2.MESSAGE_ROLE_ASSISTANT
)


@pytest.fixture
async def sdk(edge: aiohttp.ClientSession, stack: Any) -> openai.AsyncOpenAI:
    client = openai.AsyncOpenAI(api_key=GOOD_KEY, base_url=f"{edge._base_url}/v1", max_retries=0)
    stack.push_async_callback(client.close)
    return client


async def test_create_and_poll(sdk: openai.AsyncOpenAI, core: FakeCore) -> None:
    status = iter(
        [run_pb2.RUN_STATUS_QUEUED, run_pb2.RUN_STATUS_IN_PROGRESS, run_pb2.RUN_STATUS_COMPLETED]
    )

    async def run(_request: Any, _context: Context) -> run_pb2.Run:
        return run_pb2.Run(id="run_1", thread_id="t", status=next(status))

    core.unary |= {"CreateRun": run, "GetRun": run}
    found = await sdk.beta.threads.runs.create_and_poll(
        thread_id="t", assistant_id="a", poll_interval_ms=1
    )
    assert found.status == "completed"
    assert core.methods() == ["CreateRun", "GetRun", "GetRun"]


async def test_a_run_stream(sdk: openai.AsyncOpenAI, core: FakeCore) -> None:
    done = message_pb2.Message()
    done.CopyFrom(MESSAGE)
    done.content.append(TEXT)
    core.streams["StreamCreateRun"] = scripted(
        batch(created()),
        batch(event_pb2.RunEvent(id="1-2", message_created=MESSAGE)),
        batch(delta("1-3", "Hel"), delta("1-4", "lo")),
        batch(event_pb2.RunEvent(id="1-5", message_completed=done)),
        batch(event_pb2.RunEvent(id="1-6", run_completed=RUN)),
    )
    async with sdk.beta.threads.runs.stream(thread_id="t", assistant_id="a") as stream:
        assert "".join([text async for text in stream.text_deltas]) == "Hello"
        messages = await stream.get_final_messages()
    assert messages[0].content[0].to_dict() == {
        "type": "text",
        "text": {"value": "Hello", "annotations": []},
    }


async def test_a_stream_that_breaks_raises(sdk: openai.AsyncOpenAI, core: FakeCore) -> None:
    async def deleted(_request: Any, context: Context) -> Any:
        yield batch(created())
        await fail(context, "NOT_FOUND", "No thread found with id 't'.")

    core.streams["StreamCreateRun"] = deleted
    with pytest.raises(openai.APIError, match="No thread found with id 't'"):
        async with sdk.beta.threads.runs.stream(thread_id="t", assistant_id="a") as stream:
            await stream.until_done()


async def test_errors_are_typed(sdk: openai.AsyncOpenAI, core: FakeCore) -> None:
    async def lost(_request: Any, context: Context) -> Any:
        await fail(context, "NOT_FOUND", "No assistant found with id 'asst_1'.")

    core.unary["GetAssistant"] = lost
    with pytest.raises(openai.NotFoundError) as raised:
        await sdk.beta.assistants.retrieve("asst_1")
    assert raised.value.request_id is not None
    assert raised.value.request_id.startswith("req_")
    with pytest.raises(openai.AuthenticationError):
        await sdk.with_options(api_key="sk-bad").beta.assistants.list()
    with pytest.raises(openai.BadRequestError) as refused:
        await sdk.beta.assistants.create(model="m", extra_body={"foo": 1})
    assert (refused.value.param, refused.value.code) == ("foo", "unknown_parameter")


async def test_pages(sdk: openai.AsyncOpenAI, core: FakeCore) -> None:
    async def listed(
        request: assistant_pb2.ListAssistantsRequest, _context: Context
    ) -> assistant_pb2.ListAssistantsResponse:
        start = int(request.after or 0)
        return assistant_pb2.ListAssistantsResponse(
            data=[assistant_pb2.Assistant(id=str(start + 1))], has_more=start < 2
        )

    core.unary["ListAssistants"] = listed
    assert [found.id async for found in sdk.beta.assistants.list(limit=1)] == ["1", "2", "3"]
