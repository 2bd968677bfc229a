"""Asks a question, answers the function call of the model, and prints what comes as it comes.

UNDERSTUDY_TARGET=127.0.0.1:50051 UNDERSTUDY_API_KEY=sk-... python ask.py "What is the weather in Bern?"
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

import understudy
from understudy.v1.assistant_pb2 import CreateAssistantRequest
from understudy.v1.content_pb2 import MessageInput
from understudy.v1.message_pb2 import MessageRole, NewMessage
from understudy.v1.run_pb2 import CreateRunRequest
from understudy.v1.thread_pb2 import CreateThreadRequest
from understudy.v1.tool_pb2 import FunctionTool, Tool

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}


def weather(city: str) -> str:
    print(f"call: weather in {city}", flush=True)
    return f"18 degrees and sunny in {city}"


async def ask(question: str) -> None:
    target = os.environ.get("UNDERSTUDY_TARGET", "127.0.0.1:50051")
    async with understudy.connect(target, api_key=os.environ.get("UNDERSTUDY_API_KEY")) as client:
        function = FunctionTool(
            name="weather",
            description="The weather in a city.",
            parameters=json.dumps(PARAMETERS).encode(),
        )
        assistant = await client.assistants.CreateAssistant(
            CreateAssistantRequest(model="demo/demo", tools=[Tool(function=function)])
        )
        print(f"question: {question}", flush=True)
        thread = await client.assistants.CreateThread(
            CreateThreadRequest(
                messages=[
                    NewMessage(
                        role=MessageRole.MESSAGE_ROLE_USER, content=MessageInput(text=question)
                    )
                ]
            )
        )
        run = await client.assistants.CreateRun(
            CreateRunRequest(thread_id=thread.id, assistant_id=assistant.id)
        )
        async for event in understudy.follow(client, run, functions={"weather": weather}):
            match event.WhichOneof("event"):
                case "message_created":
                    print("answer: ", end="", flush=True)
                case "message_delta":
                    for part in event.message_delta.delta.content:
                        print(part.text.value, end="", flush=True)
                case "message_completed" | "message_incomplete":
                    print(flush=True)
                case "run_completed":
                    print("status: completed", flush=True)
                case "run_incomplete":
                    print("status: incomplete", flush=True)
                case "run_failed":
                    print(f"status: failed: {event.run_failed.last_error.message}", flush=True)
                case "run_cancelled":
                    print("status: cancelled", flush=True)
                case "run_expired":
                    print("status: expired", flush=True)
                case _:
                    pass


if __name__ == "__main__":
    asyncio.run(ask(" ".join(sys.argv[1:]) or "What is the weather in Bern?"))
