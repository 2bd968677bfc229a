from typing import Any

import openai
import pytest

from tests.e2e.covering import covers


@covers("models.list")
def test_the_models_of_every_provider_are_listed(client: Any) -> None:
    names = [model.id for model in client.models.list()]
    assert {"demo/demo", "gpt-4o", "chat/gpt-4o"} <= set(names)
    assert not [name for name in names if name.startswith("unwelcome-")]


@covers("models.retrieve")
@pytest.mark.parametrize("name", ["gpt-4o", "chat/gpt-4o", "demo/demo"])
def test_one_model(client: Any, name: str) -> None:
    model = client.models.retrieve(name)
    assert (model.id, model.object) == (name, "model")


@covers("models.retrieve")
def test_a_model_that_does_not_exist(client: Any) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("demo/other")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


@covers("models.delete")
def test_models_are_configured_and_cannot_be_deleted(client: Any) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.models.delete("demo/demo")
    assert caught.value.status_code == 400
