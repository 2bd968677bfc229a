"""From a Python function to what is offered. Every mistake shows here, when the server starts."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Any, get_args

import orjson

from understudy_server.tools.decorator import Options, options_of
from understudy_server.tools.docstrings import parse_docstring
from understudy_server.tools.port import CallContext, FunctionDefinition
from understudy_server.tools.schema import Arguments, InvalidFunction, from_hints, from_schema

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_CALL_ID = "call_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFunction:
    definition: FunctionDefinition
    target: Callable[..., Any]
    is_async: bool
    timeout: float | None
    """Seconds; None: the registry's."""
    origin: str
    """``module.name``, for messages."""
    parse: Callable[[str], dict[str, Any]]
    """JSON text to keyword arguments; raises ``InvalidArguments``."""
    injected: frozenset[str]
    """Parameters that the model neither sees nor gives."""

    def injections(self, context: CallContext) -> dict[str, Any]:
        return {name: context.call_id if name == _CALL_ID else context for name in self.injected}


def define(target: Callable[..., Any]) -> ServerFunction:
    """Raises ``InvalidFunction``."""
    origin = _origin(target)
    try:
        return _define(target, options_of(target) or Options(), origin)
    except InvalidFunction as error:
        raise InvalidFunction(f"function {origin}: {error}") from None


def _define(target: Callable[..., Any], options: Options, origin: str) -> ServerFunction:
    parameters = _parameters(target)
    injected = frozenset(name for name, each in parameters.items() if _is_injected(each))
    taken = {name: each for name, each in parameters.items() if name not in injected}
    documented = parse_docstring(getattr(target, "__doc__", None))
    if options.parameters is None:
        arguments = from_hints(_named(taken), documented.parameters)
    else:
        arguments = from_schema(options.parameters)
        _check_agreement(arguments, taken, injected)
    name = options.name or str(getattr(target, "__name__", ""))
    if not _NAME.fullmatch(name):
        raise InvalidFunction(
            f"'{name}' cannot be its name: 1 to 64 letters, digits, _ or -; give it a 'name'"
        )
    if options.timeout is not None and options.timeout <= 0:
        raise InvalidFunction("'timeout' must be above zero")
    return ServerFunction(
        definition=FunctionDefinition(
            name=name,
            description=options.description or documented.description,
            parameters=orjson.dumps(arguments.schema),
        ),
        target=target,
        is_async=_is_async(target),
        timeout=options.timeout,
        origin=origin,
        parse=arguments.parse,
        injected=injected,
    )


def _parameters(target: Callable[..., Any]) -> Mapping[str, Parameter]:
    if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target):
        raise InvalidFunction("it is a generator; return one value instead")
    try:
        return inspect.signature(target, eval_str=True).parameters
    except Exception as error:  # noqa: BLE001  # evaluating a hint runs any code
        raise InvalidFunction(f"its signature cannot be read: {error}") from None


def _is_injected(parameter: Parameter) -> bool:
    hint = parameter.annotation
    return parameter.name == _CALL_ID or hint is CallContext or CallContext in get_args(hint)


def _named(parameters: Mapping[str, Parameter]) -> list[Parameter]:
    for name, parameter in parameters.items():
        if parameter.kind not in {Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD}:
            raise InvalidFunction(f"parameter '{name}' cannot be given by name")
    return list(parameters.values())


def _check_agreement(
    arguments: Arguments, parameters: Mapping[str, Parameter], injected: frozenset[str]
) -> None:
    """What the schema lets through must be what the function can take."""
    properties = set(arguments.schema.get("properties", {}))
    if both := properties & injected:
        raise InvalidFunction(f"'{min(both)}' is given by the server, so not in 'parameters'")
    open_ended = any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values())
    variable = {Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL}
    named = {
        each.name
        for each in _named(
            {name: each for name, each in parameters.items() if each.kind not in variable}
        )
    }
    if not open_ended and (unknown := properties - named):
        raise InvalidFunction(f"'parameters' has '{min(unknown)}', which it does not take")
    needed = {name for name in named if parameters[name].default is Parameter.empty}
    if missing := needed - set(arguments.schema.get("required", ())):
        raise InvalidFunction(
            f"parameter '{min(missing)}' has no default, so 'parameters' must require it"
        )


def _is_async(target: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(
        getattr(target, "__call__", None)  # noqa: B004  # not whether, but what kind
    )


def _origin(target: Callable[..., Any]) -> str:
    name = getattr(target, "__qualname__", repr(target))
    return f"{getattr(target, '__module__', '?')}.{name}"
