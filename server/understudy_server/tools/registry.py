"""The functions port over Python functions of the same process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from traceback import extract_tb
from typing import Any

import structlog

from understudy_server.clock import Clock
from understudy_server.tools.definition import ServerFunction, define
from understudy_server.tools.outputs import (
    Unwritable,
    bounded,
    error_text,
    failure_text,
    result_text,
)
from understudy_server.tools.port import CallContext, FunctionDefinition
from understudy_server.tools.runner import Raised, Returned, Runner, TimedOut
from understudy_server.tools.schema import InvalidArguments, InvalidFunction

DEFAULT_TIMEOUT = 30.0
DEFAULT_OUTPUT_BYTES = 256 * 1024
DEFAULT_THREADS = 32


class Registry:
    """Implements ``Functions``. ``timeout``, in seconds, is for functions that set none."""

    def __init__(
        self,
        functions: Iterable[Callable[..., Any]],
        *,
        clock: Clock,
        timeout: float = DEFAULT_TIMEOUT,
        max_output_bytes: int = DEFAULT_OUTPUT_BYTES,
        threads: int = DEFAULT_THREADS,
    ) -> None:
        """Raises ``InvalidFunction``, for a name that two functions have as well."""
        self._functions: dict[str, ServerFunction] = {}
        for each in map(define, functions):
            first = self._functions.setdefault(each.definition.name, each)
            if first is not each:
                raise InvalidFunction(
                    f"function {each.origin}: the name '{each.definition.name}' is already that of "
                    f"{first.origin}"
                )
        self._runner = Runner(clock=clock, threads=threads)
        self._timeout = timeout
        self._limit = max_output_bytes
        self._log = structlog.get_logger()

    def names(self) -> frozenset[str]:
        return frozenset(self._functions)

    def definitions(self) -> tuple[FunctionDefinition, ...]:
        return tuple(each.definition for each in self._functions.values())

    async def call(self, name: str, arguments: str, *, context: CallContext) -> str:
        return bounded(await self._output(self._functions[name], arguments, context), self._limit)

    async def _output(self, function: ServerFunction, arguments: str, context: CallContext) -> str:
        log = self._log.bind(
            function=function.definition.name, call_id=context.call_id, run_id=context.run_id
        )
        try:
            given = function.parse(arguments)
        except InvalidArguments as error:
            return error_text(str(error))
        except Exception as error:  # noqa: BLE001  # hints may bring checks of the author's own
            return _failed(log, error)
        seconds = function.timeout or self._timeout
        work = partial(function.target, **given | function.injections(context))
        match await self._runner.run(work, is_async=function.is_async, seconds=seconds):
            case Returned(value=value):
                return _written(log, value)
            case Raised(error=raised):
                return _failed(log, raised)
            case TimedOut():
                log.warning("function_timed_out", seconds=seconds)
                return error_text(f"The function did not answer within {seconds:g} seconds.")


def _written(log: structlog.typing.FilteringBoundLogger, value: object) -> str:
    try:
        return result_text(value)
    except Unwritable as error:
        log.warning("function_result_unwritable", type=type(value).__name__)
        return error_text(f"The function's result cannot be written as JSON: {error}")


def _failed(log: structlog.typing.FilteringBoundLogger, error: BaseException) -> str:
    """Logs without the exception's text, which may quote the conversation."""
    frames = extract_tb(error.__traceback__)
    at = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else None
    log.warning("function_failed", error=type(error).__name__, at=at)
    return failure_text(error)
