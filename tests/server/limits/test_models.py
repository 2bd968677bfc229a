"""Which models a key may use, by what their names mean."""

from __future__ import annotations

import pytest

from tests.server.runs.scripted import ScriptedModels
from understudy_server.errors import ModelNotAllowed, ModelNotFound
from understudy_server.limits.models import check_model, is_allowed
from understudy_server.models.port import Resolved


class Named(ScriptedModels):
    """A plain name means the default provider's model; ``old`` is an alias."""

    def resolve(self, name: str) -> Resolved:
        provider, _, model = name.rpartition("/")
        if provider == "nowhere":
            raise ModelNotFound(name)
        meant = "new" if model == "old" else model
        return Resolved(provider=provider or "main", model=meant, context_window=1)


@pytest.mark.parametrize(
    ("allowed", "model", "may"),
    [
        ((), "any", True),
        (("new",), "new", True),
        (("new",), "main/new", True),
        (("main/new",), "new", True),
        (("new",), "other/new", False),
        (("new",), "newer", False),
        # An alias is what it stands for, in both places.
        (("new",), "old", True),
        (("old",), "new", True),
        (("a",), "old", False),
        (("a", "b", "new"), "old", True),
        (("nowhere/new",), "new", False),
        (("nowhere/new", "new"), "new", True),
    ],
)
def test_is_allowed(allowed: tuple[str, ...], model: str, *, may: bool) -> None:
    assert is_allowed(Named(), allowed, model) is may


def test_a_refusal_in_the_words_of_openai() -> None:
    check_model(Named(), ("a",), "a", project="p")
    with pytest.raises(ModelNotAllowed) as refused:
        check_model(Named(), ("a",), "b", project="p")
    assert refused.value.message == "Project `p` does not have access to model `b`"
    assert refused.value.param is None


def test_a_model_that_is_not_there_is_not_there() -> None:
    with pytest.raises(ModelNotFound):
        check_model(Named(), ("a",), "nowhere/b", project="p")
