"""Fitting a conversation into a model's window. Pure.

Tokens are estimated as a quarter of the UTF-8 bytes, which errs on the safe side for English and is close for
most scripts; images count as what a provider charges for a high-detail one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from understudy_server.models import port as model

UNLIMITED = 2**31
IMAGE_TOKENS = 1_105
PER_ITEM = 4
"""Tokens that a provider adds for role and separators."""


def estimate_text(text: str) -> int:
    return _bytes(text.encode())


def estimate(items: Iterable[model.Item]) -> int:
    return sum(map(_item, items))


def estimate_tools(tools: Iterable[model.Function]) -> int:
    """What a provider puts into the prompt for them: name, description and schema."""
    return sum(
        PER_ITEM
        + estimate_text(tool.name)
        + estimate_text(tool.description or "")
        + _bytes(tool.parameters)
        for tool in tools
    )


def estimate_format(wanted: model.ResponseFormat | None) -> int:
    """A schema is part of the prompt; the other formats are not."""
    if not isinstance(wanted, model.JsonSchema):
        return 0
    return estimate_text(wanted.name + (wanted.description or "")) + _bytes(wanted.schema)


def newest_that_fit(items: Sequence[model.Message], tokens: int) -> Sequence[model.Message]:
    """Whole oldest messages go first; the newest stays in any case."""
    start = len(items)
    left = tokens
    while start > 0:
        left -= _item(items[start - 1])
        if left < 0 and start < len(items):
            break
        start -= 1
    return items[start:]


def _item(item: model.Item) -> int:
    match item:
        case model.Message(parts=parts):
            return PER_ITEM + sum(map(_part, parts))
        case model.ToolCall(name=name, arguments=arguments):
            return PER_ITEM + estimate_text(name) + estimate_text(arguments)
        case model.ToolOutput(output=output):
            return PER_ITEM + estimate_text(output)
        case model.Opaque(json=json):
            return _bytes(json)


def _bytes(text: bytes | None) -> int:
    return (len(text or b"") + 3) // 4


def _part(part: model.Part) -> int:
    match part:
        case model.Text(text=text):
            return estimate_text(text)
        case model.Refusal(refusal=refusal):
            return estimate_text(refusal)
        case model.Image():
            return IMAGE_TOKENS
