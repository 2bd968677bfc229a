"""Which script answers a request: the queue's, the request's own directive, or the default."""

from __future__ import annotations

import json
from collections import Counter, deque
from typing import Any

from tests.upstream.checks import Refused
from tests.upstream.conversation import Line, last_user_text, read_conversation, tool_rounds
from tests.upstream.steps import Call, Fail, Say, Script, parse_scripts, words

DIRECTIVE = "scripted:"


class Scripts:
    def __init__(self) -> None:
        self._queue: deque[Script] = deque()
        self._failed: Counter[str] = Counter()

    def queue(self, script: Script) -> None:
        self._queue.append(script)

    def clear(self) -> None:
        self._queue.clear()

    def choose(self, body: dict[str, Any]) -> Script:
        """Raises ``Refused`` for a directive that is not understood."""
        if self._queue:
            return self._queue.popleft()
        lines = read_conversation(body)
        rounds, said = tool_rounds(lines), last_user_text(lines)
        for text in (body["model"], said):
            if text.startswith(DIRECTIVE):
                return self._directed(text, lines, rounds)
        return _default(said, rounds)

    def _directed(self, text: str, lines: list[Line], rounds: list[list[str]]) -> Script:
        try:
            scripts = parse_scripts(json.loads(text.removeprefix(DIRECTIVE)))
        except (ValueError, TypeError, LookupError) as error:
            raise Refused(f"This directive is not understood: {error}") from None
        if len(rounds) >= len(scripts):
            return _default("", rounds)
        script = _unsaid(scripts[len(rounds)], lines)
        if script and isinstance(script[0], Fail):
            self._failed[text] += 1
            if self._failed[text] > script[0].times:
                return script[1:]
        return script


def _unsaid(script: Script, lines: list[Line]) -> Script:
    """A model that finds its words before a call in the conversation goes on with the call."""
    match script:
        case (Say(chunks=chunks), Call(), *_) if lines[-1:] == [Line("assistant", "".join(chunks))]:
            return script[1:]
    return script


def _default(said: str, rounds: list[list[str]]) -> Script:
    if rounds:
        return (Say(*words(f"tools said: {', '.join(rounds[-1])}")),)
    return (Say(*words(f"echo: {said}")),)
