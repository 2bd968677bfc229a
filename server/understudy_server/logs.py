"""What the server writes about itself: one line per event, on stderr."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Literal

import orjson
import structlog

from understudy import __version__

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

_FIRST = ("time", "level", "component", "worker", "version", "event")


def configure(
    *,
    format: Literal["auto", "json", "text"] = "auto",
    level: str = "info",
    component: str,
    worker: int | None = None,
) -> None:
    """Set up structlog, and the standard library's logging through it, for this process.

    ``auto`` is text (key=value) when stderr is a terminal, else JSON. A line begins with ``time``
    (ISO 8601, UTC), ``level``, ``component``, the number of the ``worker`` if there are several,
    ``version`` and ``event``; its fields follow. Call it
    once, from the program's entry point. Contents of messages and keys are never given to a log.
    """
    text = format == "text" or (format == "auto" and sys.stderr.isatty())
    threshold = logging.getLevelNamesMapping()[level.upper()]
    enrich: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _Program(component, worker),
        structlog.processors.format_exc_info,
    ]
    render: list[Processor] = [_in_order, structlog.processors.LogfmtRenderer() if text else _json]
    structlog.configure(
        processors=[*enrich, *render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=enrich, processors=[meta, *render])
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # What libraries tell below a warning is of use to their authors only.
    root.setLevel(max(threshold, logging.WARNING))
    # It logs each request that is not HTTP, with its bytes: anybody could fill the log with them.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)


class _Program:
    """Adds what is the same in every line."""

    def __init__(self, component: str, worker: int | None) -> None:
        self._component = component
        self._worker = worker

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        del logger, method
        event["component"] = self._component
        if self._worker is not None:
            event["worker"] = self._worker
        event["version"] = __version__
        return event


def _in_order(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    del logger, method
    first = {key: event.pop(key) for key in _FIRST if key in event}
    return {**first, **event}


def _json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    del logger, method
    return orjson.dumps(event, default=repr).decode()
