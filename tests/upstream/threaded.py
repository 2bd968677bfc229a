"""The scripted upstream on a thread of its own, for synchronous tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from tests.background import BackgroundLoop
from tests.upstream.server import ScriptedUpstream
from tests.upstream.steps import Step


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that came. ``body`` is decoded JSON; header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: Any


class ThreadedUpstream:
    """A context manager; every method may be called from any thread."""

    def __init__(self, *, api_key: str) -> None:
        self.api_key = api_key
        self.base_url = ""
        self._loop = BackgroundLoop()
        self._upstream = ScriptedUpstream(api_key=api_key)

    def __enter__(self) -> Self:
        self._loop.__enter__()
        self._loop.run(self._upstream.__aenter__())
        self.base_url = self._upstream.base_url
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.run(self._upstream.__aexit__(*error))
        self._loop.__exit__(*error)

    def queue(self, *steps: Step) -> None:
        """The script of the next request that has none yet.

        A directive in a message or a model's name (see the package) is safer where several runs
        are under way.
        """
        self._loop.run(self._soon(self._upstream.queue, *steps))

    def release(self, gate: str) -> None:
        """Let everybody through the gate, now and later."""
        self._loop.run(self._soon(self._upstream.release, gate))

    def reached(self, gate: str) -> None:
        """Wait until an answer stands at the gate."""
        self._loop.run(self._upstream.reached(gate))

    def asked(self, marker: str) -> list[Asked]:
        """Every request so far whose body contains ``marker``, in order."""
        exchanges = self._loop.run(self._soon(self._upstream.exchanges.copy))
        return [
            Asked(path=exchange.path, headers=exchange.headers, body=exchange.body)
            for exchange in exchanges
            if marker in str(exchange.body)
        ]

    async def _soon(self, function: Any, *arguments: Any) -> Any:
        return function(*arguments)
