"""Rules that both dialects share."""

from __future__ import annotations

import re
from typing import Any

from tests.upstream.checks import Refused, one_of, pattern

NAME = pattern(r"[a-zA-Z0-9_-]+")
EFFORT = one_of("none", "minimal", "low", "medium", "high", "xhigh", "max")
OFFERED = ("gpt-4o", "gpt-4o-mini", "o4-mini")
"""What ``GET /v1/models`` lists; any other name is served too, except ``missing-model``."""


def check_model(model: str) -> None:
    if model == "missing-model":
        raise Refused(
            f"The model `{model}` does not exist or you do not have access to it.",
            code="model_not_found",
            status=404,
        )


def reasons(model: str) -> bool:
    return re.match(r"o\d|gpt-5", model) is not None


def unsupported(param: str, hint: str = "") -> Refused:
    return Refused(
        f"Unsupported parameter: '{param}' is not supported with this model.{hint}",
        param=param,
        code="unsupported_parameter",
    )


def check_sampling(body: dict[str, Any]) -> None:
    """Reasoning models take no temperature, echoed defaults included."""
    if reasons(body["model"]):
        for param in ("temperature", "top_p"):
            if param in body:
                raise unsupported(param)


def check_image_url(value: Any, path: str) -> None:
    if not isinstance(value, str) or not value.startswith(("http://", "https://", "data:image/")):
        raise Refused(
            f"Invalid '{path}'. Expected a valid URL, but got a value with an invalid format.",
            param=path,
            code="invalid_value",
        )


def check_strict_schema(name: str, parameters: Any, path: str) -> None:
    if not isinstance(parameters, dict) or parameters.get("additionalProperties") is not False:
        raise Refused(
            f"Invalid schema for function '{name}': In context=(), 'additionalProperties' is"
            " required to be supplied and to be false.",
            param=path,
            code="invalid_function_parameters",
        )
