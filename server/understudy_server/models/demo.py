"""A model without key or network, so that a first run needs neither.

It remembers what was said, calls functions that the user names, and answers in JSON when asked to;
the same request always gets the same words.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import orjson

from understudy_server.clock import Clock
from understudy_server.models.chat_request import build_body
from understudy_server.models.demo_reply import reply
from understudy_server.models.port import ModelEvent, ModelRequest, Sent


class DemoModel:
    """The ``Model`` port, played. ``pause`` is the time for one word, in seconds."""

    def __init__(
        self, *, clock: Clock, new_call_id: Callable[[], str], pause: float = 0.004
    ) -> None:
        self._clock = clock
        self._new_call_id = new_call_id
        self._pause = pause

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        if request.show_sent:
            # There is no wire here: shown is what a server of the plainest dialect would have got.
            yield Sent(dialect="demo", url=None, body=orjson.dumps(build_body(request)))
        for event in reply(request, self._new_call_id):
            await self._clock.sleep(self._pause)
            yield event

    async def list_models(self) -> tuple[str, ...]:
        return ("demo",)

    async def close(self) -> None:
        """Nothing is open."""
