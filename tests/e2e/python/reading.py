"""What tests look at again and again."""

from typing import Any

import openai
import pytest

from tests.upstream.threaded import ThreadedUpstream


def answer(client: Any, thread_id: str) -> str:
    """The text of the newest message."""
    message = client.beta.threads.messages.list(thread_id, limit=1).data[0]
    assert message.role == "assistant"
    text: str = message.content[0].text.value
    return text


def message_of(caught: pytest.ExceptionInfo[openai.APIStatusError]) -> str:
    """The server's own words, without what the SDK puts around them."""
    body: Any = caught.value.body
    message: str = body["message"]
    return message


def only_request(upstream: ThreadedUpstream, marker: str) -> dict[str, Any]:
    """The body of the one request to the model that contains ``marker``."""
    (asked,) = upstream.asked(marker)
    body: dict[str, Any] = asked.body
    return body


def sent_texts(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Role and text of everything in the conversation that a model was sent, in either dialect."""
    said = [("system", body["instructions"])] if body.get("instructions") else []
    for item in body.get("messages", body.get("input", [])):
        parts = (
            item["content"] if isinstance(item["content"], list) else [{"text": item["content"]}]
        )
        said += [(item["role"], part["text"]) for part in parts if "text" in part]
    return [("system" if role == "developer" else role, text) for role, text in said]
