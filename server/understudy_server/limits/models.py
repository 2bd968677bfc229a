"""The models that a key may use. Names are compared by what they mean: an alias opens nothing that is not allowed."""

from __future__ import annotations

from collections.abc import Sequence

from understudy_server.errors import ModelNotAllowed, ModelNotFound
from understudy_server.limits.words import model_not_allowed
from understudy_server.models.port import Models


def check_model(models: Models, allowed: Sequence[str], model: str, *, project: str) -> None:
    """``allowed``: names of models; empty: all are. Raises ``ModelNotAllowed`` and ``ModelNotFound``."""
    if not is_allowed(models, allowed, model):
        raise ModelNotAllowed(model_not_allowed(project, model))


def is_allowed(models: Models, allowed: Sequence[str], model: str) -> bool:
    """Raises ``ModelNotFound`` for ``model``; a name in ``allowed`` that means nothing allows nothing."""
    return not allowed or _meaning(models, model) in {*_meanings(models, allowed)}


def _meanings(models: Models, names: Sequence[str]) -> list[tuple[str, str]]:
    found = []
    for name in names:
        try:
            found.append(_meaning(models, name))
        except ModelNotFound:
            continue
    return found


def _meaning(models: Models, name: str) -> tuple[str, str]:
    resolved = models.resolve(name)
    return resolved.provider, resolved.model
