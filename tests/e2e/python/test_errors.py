"""What the SDK raises, and what it shows of it."""

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.e2e.conftest import Clients
from tests.e2e.covering import covers
from tests.e2e.python.reading import message_of


@covers("beta.assistants.list", "models.list")
def test_a_wrong_key(clients: Clients) -> None:
    stranger = clients.open(key="sk-not-a-real-key")
    for call in (stranger.beta.assistants.list, stranger.models.list):
        with pytest.raises(openai.AuthenticationError) as caught:
            call().to_dict()
        assert caught.value.code == "invalid_api_key"
        assert (caught.value.request_id or "").startswith("req_")
        assert "sk-not-a*****-key" in message_of(caught)


@covers("beta.threads.create")
def test_a_call_without_the_beta_header(client: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.beta.threads.create(extra_headers={"OpenAI-Beta": "assistants=v1"})
    assert caught.value.code == "invalid_beta"


@covers("beta.assistants.create", "beta.assistants.update", "beta.threads.messages.create")
def test_values_that_are_refused(client: Any, thread: Any) -> None:
    made = client.beta.assistants.create(model="gpt-4o")
    assistants, messages = client.beta.assistants, client.beta.threads.messages
    calls: list[tuple[Callable[[], object], str, str]] = [
        (lambda: assistants.create(model="m", name="x" * 257), "name", "string_above_max_length"),
        (lambda: assistants.create(model=7), "model", "invalid_type"),
        (
            lambda: assistants.create(model="m", tools=[{"type": "x"}]),
            "tools[0].type",
            "invalid_value",
        ),
        (
            lambda: assistants.create(model="m", tools=[{"type": "function", "function": {}}]),
            "tools[0].function.name",
            "missing_required_parameter",
        ),
        (
            lambda: assistants.create(model="m", extra_body={"foo": 1}),
            "foo",
            "unknown_parameter",
        ),
        (
            lambda: assistants.update(made.id, temperature=2.5),
            "temperature",
            "decimal_above_max_value",
        ),
        (
            lambda: assistants.update(made.id, metadata={"k": "v" * 513}),
            "metadata.k",
            "string_above_max_length",
        ),
        (lambda: assistants.list(limit=101).to_dict(), "limit", "integer_above_max_value"),
        (lambda: messages.create(thread.id, role="user", content=[]), "content", "empty_array"),
        (lambda: messages.create(thread.id, role="robot", content="x"), "role", "invalid_value"),
    ]
    for call, param, code in calls:
        with pytest.raises(openai.BadRequestError) as caught:
            call()
        assert (caught.value.param, caught.value.code) == (param, code)
        assert caught.value.type == "invalid_request_error"


@covers("beta.threads.messages.create", "beta.threads.runs.create_and_poll")
def test_two_clients_see_each_other_at_once(clients: Clients, model: str) -> None:
    one, two = clients.open(), clients.open()
    assistant = one.beta.assistants.create(model=model)
    thread = two.beta.threads.create()
    for writer, reader in ((one, two), (two, one)):
        message = writer.beta.threads.messages.create(thread.id, role="user", content="hi")
        assert reader.beta.threads.messages.retrieve(message.id, thread_id=thread.id) == message
        run = reader.beta.threads.runs.create_and_poll(
            thread_id=thread.id, assistant_id=assistant.id
        )
        assert writer.beta.threads.messages.list(thread.id).data[0].run_id == run.id
