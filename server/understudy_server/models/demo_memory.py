"""What the demo model says in words: it repeats, counts and remembers. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from understudy_server.models.port import Image, Message, ModelRequest, Text

_QUESTION: Final = re.compile(r"what(?:'s| is| was| are) my ([\w ]+?)\s*(?:\?|$)", re.IGNORECASE)
_FACT: Final = re.compile(r"\bmy ([\w ]{1,40}?) (?:is|are|was) ([^.,;!?\n]+)", re.IGNORECASE)
_NAME: Final = re.compile(r"\b(?i:i am|i'm|call me) ([A-Z][\w-]*)")
_WHAT_WAS_SAID: Final = re.compile(r"what did i (?:say|tell|ask|write)", re.IGNORECASE)
_INSTRUCTIONS: Final = re.compile(r"\binstructions?\b|system prompt", re.IGNORECASE)


def text_of(message: Message) -> str:
    return " ".join(part.text for part in message.parts if isinstance(part, Text))


def spoken(request: ModelRequest) -> str:
    """An answer to the last message of the user."""
    messages = [item for item in request.items if isinstance(item, Message)]
    asked = [message for message in messages if message.role == "user"]
    if not asked:
        return "Hello! Say something, and I will remember it."
    *earlier, last = asked
    return _remembered(
        [text_of(message) for message in earlier], text_of(last), request.instructions
    ) or _echoed(last, len(messages))


def _remembered(earlier: Sequence[str], question: str, instructions: str | None) -> str | None:
    if asked := _QUESTION.search(question):
        thing = asked.group(1)
        value = _told(earlier, thing)
        return f"Your {thing} is {value}." if value else f"You have not told me your {thing} yet."
    if _WHAT_WAS_SAID.search(question):
        said = ", then ".join(f'"{text}"' for text in earlier)
        return f"You said {said}." if said else "Nothing yet: this is the first message."
    if _INSTRUCTIONS.search(question):
        return f'My instructions say: "{instructions}"' if instructions else "I have none."
    return None


def _told(earlier: Sequence[str], thing: str) -> str | None:
    """The latest value wins."""
    for text in reversed(earlier):
        for name, value in reversed(_FACT.findall(text)):
            if name.lower() == thing.lower():
                return str(value).strip()
        if thing.lower() == "name" and (introduced := _NAME.search(text)):
            return introduced.group(1)
    return None


def _echoed(last: Message, count: int) -> str:
    images = sum(isinstance(part, Image) for part in last.parts)
    heard = f'You said: "{text_of(last)}".' if text_of(last) else "You said nothing in words."
    seen = f" I see {images} image{'s' if images > 1 else ''}." if images else ""
    return (
        f"{heard}{seen} This is the demo model, and our thread has {count}"
        f" message{'s' if count > 1 else ''} so far."
    )
