"""A scripted model provider: OpenAI's two dialects over real HTTP, strict and obedient.

**Strict**: it refuses what OpenAI refuses, in OpenAI's words (``responses_rules.py``,
``chat_rules.py``), so that a body which passes here is one that OpenAI takes.

**Obedient**: it answers as a script says. A script is a list of steps (``steps.py`` documents each
with its JSON form), and comes from, in this order:

1. the queue: ``upstream.queue(Say("Hel", "lo"))``, or ``POST /_script {"script": [...]}``;
2. the model name, or the last user message, when it starts with ``scripted:`` and goes on with
   JSON: a list of steps, or a list of such lists of which each further tool round gets the next (what
   it says before a call is not said again when it already is the conversation's last message);
3. otherwise it echoes: ``echo: <last user message>``, or ``tools said: <outputs>``.

In a test::

    async with ScriptedUpstream() as upstream:
        upstream.queue(Say("Hel", "lo"), Gate("middle"), Say("!"))
        ...  # point a client at upstream.base_url with the key upstream.api_key
        await upstream.reached("middle")
        upstream.release("middle")
        body = (await upstream.exchange(0)).body

As a process: ``python -m tests.upstream --port 0`` prints its base URL. It is then told what to do
by directives, or over ``/_script``, ``/_release``, ``/_exchanges`` (see ``control.py``).
"""

from tests.upstream.server import Exchange, ScriptedUpstream
from tests.upstream.steps import (
    Call,
    Drop,
    Echo,
    Error,
    Fail,
    Finish,
    Gate,
    Quirks,
    Raw,
    Reason,
    Refuse,
    Report,
    Say,
    Stall,
    Step,
    Tokens,
)

__all__ = [
    "Call",
    "Drop",
    "Echo",
    "Error",
    "Exchange",
    "Fail",
    "Finish",
    "Gate",
    "Quirks",
    "Raw",
    "Reason",
    "Refuse",
    "Report",
    "Say",
    "ScriptedUpstream",
    "Stall",
    "Step",
    "Tokens",
]
