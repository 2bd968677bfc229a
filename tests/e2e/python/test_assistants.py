from typing import Any

import openai
import pytest

from tests.e2e.covering import covers

_FUNCTION = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "b": 1,
            "a": 2,
        },
    },
}


@covers("beta.assistants.create", "beta.assistants.retrieve")
def test_an_assistant_comes_back_as_it_was_made(client: Any) -> None:
    made = client.beta.assistants.create(
        model="gpt-4o",
        name="Ada",
        description="Counts.",
        instructions="Count to three.",
        tools=[_FUNCTION, {"type": "file_search"}, {"type": "code_interpreter"}],
        metadata={"team": "blue"},
        temperature=0.5,
        top_p=0.25,
        response_format={"type": "json_object"},
    )
    assert made.id.startswith("asst_")
    assert made.object == "assistant"
    assert (made.name, made.description, made.instructions) == ("Ada", "Counts.", "Count to three.")
    assert (made.temperature, made.top_p) == (0.5, 0.25)
    assert made.metadata == {"team": "blue"}
    assert made.response_format.type == "json_object"
    function, search, code = made.tools
    assert list(function.function.parameters) == ["type", "properties", "b", "a"]
    assert function.function.strict is False
    assert search.file_search.ranking_options.ranker == "default_2024_08_21"
    assert code.type == "code_interpreter"
    assert client.beta.assistants.retrieve(made.id) == made


@covers("beta.assistants.create")
def test_only_the_model_is_required(client: Any) -> None:
    made = client.beta.assistants.create(model="anything-goes")
    assert (made.name, made.instructions, made.tools, made.metadata) == (None, None, [], {})
    assert (made.temperature, made.top_p, made.response_format) == (1.0, 1.0, "auto")
    assert made.tool_resources.to_dict() == {}


@covers("beta.assistants.update", "beta.assistants.retrieve")
def test_an_update_keeps_what_it_leaves_out_and_null_clears(client: Any) -> None:
    made = client.beta.assistants.create(
        model="gpt-4o", name="Ada", description="Counts.", metadata={"a": "1", "b": "2"}
    )
    updated = client.beta.assistants.update(made.id, description="Adds.", metadata={"c": "3"})
    assert (updated.name, updated.description, updated.metadata) == ("Ada", "Adds.", {"c": "3"})
    cleared = client.beta.assistants.update(made.id, name=None, description=None, metadata=None)
    assert (cleared.name, cleared.description, cleared.metadata) == (None, None, {})
    assert (cleared.model, cleared.created_at) == (made.model, made.created_at)
    assert client.beta.assistants.retrieve(made.id) == cleared


@covers("beta.assistants.delete", "beta.assistants.retrieve", "beta.assistants.update")
def test_a_deleted_assistant_is_gone(client: Any) -> None:
    made = client.beta.assistants.create(model="gpt-4o")
    deleted = client.beta.assistants.delete(made.id)
    assert deleted.to_dict() == {"id": made.id, "object": "assistant.deleted", "deleted": True}
    for call in (
        client.beta.assistants.retrieve,
        client.beta.assistants.update,
        client.beta.assistants.delete,
    ):
        with pytest.raises(openai.NotFoundError, match=f"No assistant found with id '{made.id}'"):
            call(made.id)


@covers("beta.assistants.list")
def test_all_assistants_are_paged_through_in_both_directions(client: Any) -> None:
    label = client.beta.assistants.create(model="gpt-4o").id
    made = [label, *(client.beta.assistants.create(model="gpt-4o").id for _ in range(6))]

    newest_first = [assistant.id for assistant in client.beta.assistants.list(limit=3)]
    assert newest_first[:7] == made[::-1]
    # Other tests' assistants are listed as well; from ours on, only ours follow.
    oldest_first = client.beta.assistants.list(limit=2, order="asc", after=label)
    assert [assistant.id for assistant in oldest_first] == made[1:]
    before = client.beta.assistants.list(limit=2, order="asc", before=made[4])
    assert [assistant.id for assistant in before.data] == made[2:4]
    assert before.has_more is True


@covers("beta.assistants.create")
def test_raw_responses_show_the_headers(client: Any) -> None:
    raw = client.beta.assistants.with_raw_response.create(model="gpt-4o")
    assert raw.status_code == 200
    assert raw.headers["openai-version"] == "2020-10-01"
    assert int(raw.headers["openai-processing-ms"]) >= 0
    assert raw.headers["x-request-id"] == raw.parse()._request_id
