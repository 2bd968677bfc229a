"""``include``, wherever the SDK offers it."""

import inspect
from typing import Any, Final

import openai
import pytest

from tests.e2e.covering import covers

CONTENT: Final = "step_details.tool_calls[*].file_search.results[*].content"


def test_where_the_sdk_offers_it() -> None:
    runs = openai.OpenAI(api_key="unused").beta.threads.runs
    offering = {
        name
        for resource in (runs, runs.steps)
        for name, method in inspect.getmembers(resource, inspect.ismethod)
        if not name.startswith("_") and "include" in inspect.signature(method).parameters
    }
    assert offering == {"create", "create_and_poll", "list", "retrieve", "stream"}


@covers(
    "beta.threads.runs.create",
    "beta.threads.runs.create_and_poll",
    "beta.threads.runs.steps.list",
    "beta.threads.runs.steps.retrieve",
)
def test_it_is_accepted(client: Any, assistant: Any, greeted: Any) -> None:
    runs = client.beta.threads.runs
    given = {"thread_id": greeted.id, "assistant_id": assistant.id, "include": [CONTENT]}
    assert runs.create_and_poll(**given).status == "completed"
    events = list(runs.create(**given, stream=True))
    assert events[-1].event == "thread.run.completed"
    inside = {"thread_id": greeted.id, "run_id": events[-1].data.id}
    (step,) = runs.steps.list(**inside, include=[CONTENT])
    assert runs.steps.retrieve(step.id, **inside, include=[CONTENT]) == step


@covers("beta.threads.runs.stream")
def test_the_stream_helper_accepts_it(client: Any, assistant: Any, greeted: Any) -> None:
    with client.beta.threads.runs.stream(
        thread_id=greeted.id, assistant_id=assistant.id, include=[CONTENT]
    ) as stream:
        assert stream.get_final_run().status == "completed"


@covers("beta.threads.runs.create", "beta.threads.runs.steps.list")
def test_anything_else_is_refused(client: Any, assistant: Any, greeted: Any) -> None:
    runs = client.beta.threads.runs
    with pytest.raises(openai.BadRequestError) as caught:
        runs.create(thread_id=greeted.id, assistant_id=assistant.id, include=["x"])
    assert caught.value.param == "include[0]"
    with pytest.raises(openai.BadRequestError) as caught:
        runs.steps.list(thread_id=greeted.id, run_id="run_x", include=["x"])
    assert caught.value.param == "include[0]"
