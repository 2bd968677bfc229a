"""From a signature to a JSON schema, and from a model's arguments to a call's. Pure.

Type hints are pydantic's to understand: schema and checking come from one model of it, in strict mode,
so that what is accepted is what the schema says. A schema that the author wrote is checked by jsonschema.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter
from typing import Annotated, Any, get_args, get_origin

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema

_SHOWN_ERRORS = 5
"""A model corrects itself by the first few."""


class InvalidFunction(ValueError):
    """A mistake in a module of functions; the text names the function and what to change."""


class InvalidArguments(ValueError):
    """The model's arguments are no JSON, or not as the schema says; the text is for the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """``parse`` turns JSON text into keyword arguments, or raises ``InvalidArguments``."""

    schema: Mapping[str, Any]
    parse: Callable[[str], dict[str, Any]]


def from_hints(parameters: Sequence[Parameter], descriptions: Mapping[str, str]) -> Arguments:
    """Raises ``InvalidFunction`` for a parameter that no JSON schema can describe."""
    fields = {}
    names = {}
    for index, parameter in enumerate(parameters):
        # Named by number, since a parameter may be called what a pydantic model forbids.
        names[f"field_{index}"] = parameter.name
        fields[f"field_{index}"] = _field(parameter, descriptions.get(parameter.name))
    config = ConfigDict(extra="forbid", strict=True)
    try:
        model = create_model("Arguments", __config__=config, **fields)
        schema = model.model_json_schema(schema_generator=_Untitled)
    except (PydanticUserError, TypeError, NameError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidFunction(f"{reason} (use other type hints, or give 'parameters')") from None
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("title", None)
    schema.setdefault("properties", {})

    def parse(text: str) -> dict[str, Any]:
        value = _parsed(model, text)
        return {names[field]: getattr(value, field) for field in value.model_fields_set}

    return Arguments(schema=schema, parse=parse)


def from_schema(schema: Mapping[str, Any]) -> Arguments:
    """Raises ``InvalidFunction`` unless it is a valid JSON schema (draft 2020-12) of an object."""
    try:
        Draft202012Validator.check_schema(schema)
        json.dumps(schema)
    except (SchemaError, TypeError, ValueError) as error:
        reason = error.message if isinstance(error, SchemaError) else error
        raise InvalidFunction(f"'parameters' is no JSON schema: {reason}") from None
    if schema.get("type") != "object":
        raise InvalidFunction('\'parameters\' must have "type": "object"')
    validator = Draft202012Validator(schema)

    def parse(text: str) -> dict[str, Any]:
        try:
            value = json.loads(text.strip() or "{}")
        except (ValueError, RecursionError) as error:
            raise InvalidArguments(f"The arguments are not valid JSON: {error}") from None
        found = [(error.absolute_path, error.message) for error in validator.iter_errors(value)]
        if found:
            raise _mismatch(found)
        checked: dict[str, Any] = value
        return checked

    return Arguments(schema=schema, parse=parse)


class _Untitled(GenerateJsonSchema):
    """Titles that repeat the names of fields cost tokens in each model call."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def _field(parameter: Parameter, documented: str | None) -> Any:
    hint = parameter.annotation
    if hint is Parameter.empty:
        raise InvalidFunction(f"parameter '{parameter.name}' has no type hint")
    description = _annotated(hint) or documented
    if parameter.default is Parameter.empty:
        return (hint, Field(alias=parameter.name, description=description))
    if type(parameter.default) in {str, int, float, bool}:
        return (
            hint,
            Field(alias=parameter.name, description=description, default=parameter.default),
        )
    # Not required, and without a default in the schema; it is never used, but the function's own.
    return (
        hint,
        Field(alias=parameter.name, description=description, default_factory=lambda: None),
    )


def _annotated(hint: Any) -> str | None:
    """The text of ``Annotated[int, "how many"]``."""
    if get_origin(hint) is not Annotated:
        return None
    return next((note for note in get_args(hint)[1:] if isinstance(note, str)), None)


def _parsed(model: type[BaseModel], text: str) -> BaseModel:
    try:
        # Models send nothing at all to a function that takes nothing.
        return model.model_validate_json(text.strip() or "{}")
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        if errors[0]["type"] == "json_invalid":
            reason = errors[0]["msg"].removeprefix("Invalid JSON: ")
            raise InvalidArguments(f"The arguments are not valid JSON: {reason}") from None
        raise _mismatch([(entry["loc"], entry["msg"]) for entry in errors]) from None


def _mismatch(found: Sequence[tuple[Sequence[str | int], str]]) -> InvalidArguments:
    texts = [f"{'.'.join(map(str, path)) or 'arguments'}: {text}" for path, text in found]
    more = f"; and {len(texts) - _SHOWN_ERRORS} more" if len(texts) > _SHOWN_ERRORS else ""
    return InvalidArguments(
        f"The arguments do not fit the schema: {'; '.join(texts[:_SHOWN_ERRORS])}{more}"
    )
