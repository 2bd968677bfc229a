"""How many tokens a conversation takes, estimated. Pure.

Each model has a tokenizer of its own, and a server in front of any model has none of them. What is counted here are
kinds of bytes, with weights that err on the safe side, measured against two public tokenizers (see the table in
``tests/server/runs/test_tokens.py``): a prompt that is too long fails its run, one that is shorter than
it could be forgets a message too early.
"""

from __future__ import annotations

from collections.abc import Iterable

from understudy_server.models import port as model

PER_ITEM = 4
"""Tokens that a provider adds for role and separators."""
IMAGE_TOKENS = 1_445
"""The most that an image costs by OpenAI's formula: 85, and 170 for each of at most eight tiles."""
SMALL_IMAGE_TOKENS = 85
"""An image of low detail has no tiles."""

_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
_DIGITS = frozenset(b"0123456789")


def _kind(byte: int) -> int:
    if byte in _LETTERS:
        return ord("l")
    if byte in _DIGITS:
        return ord("d")
    return ord("a") if byte < 128 else ord("u")  # where ASCII ends


_KINDS = bytes(map(_kind, range(256)))
"""The kind of each byte: letter or space, digit, other ASCII, part of a character beyond ASCII."""


def of_text(text: str | bytes) -> int:
    """A letter or space is 0.25 tokens, a digit 0.6, other ASCII 0.8, a byte of anything else 0.4."""
    kinds = (text.encode() if isinstance(text, str) else text).translate(_KINDS)
    letters, digits, ascii = kinds.count(b"l"), kinds.count(b"d"), kinds.count(b"a")
    other = len(kinds) - letters - digits - ascii
    return (5 * letters + 12 * digits + 16 * ascii + 8 * other + 19) // 20


def of_request(request: model.ModelRequest) -> int:
    """The whole prompt."""
    return of_items(request.items) + of_rest(request)


def of_rest(request: model.ModelRequest) -> int:
    """The prompt without its items: instructions, functions, the schema of the answer."""
    return (
        of_text(request.instructions or "")
        + sum(map(_function, request.tools))
        + _format(request.response_format)
    )


def of_items(items: Iterable[model.Item]) -> int:
    return sum(map(of_item, items))


def of_item(item: model.Item) -> int:
    match item:
        case model.Message(parts=parts):
            return PER_ITEM + sum(map(_part, parts))
        case model.ToolCall(name=name, arguments=arguments):
            return PER_ITEM + of_text(name) + of_text(arguments)
        case model.ToolOutput(output=output):
            return PER_ITEM + of_text(output)
        case model.Opaque(json=json):
            # Encrypted: its letters are not what the model reads.
            return (len(json) + 3) // 4


def _function(tool: model.Function) -> int:
    """What a provider puts into the prompt for it: name, description and schema."""
    return (
        PER_ITEM
        + of_text(tool.name)
        + of_text(tool.description or "")
        + of_text(tool.parameters or b"")
    )


def _format(wanted: model.ResponseFormat | None) -> int:
    """A schema is part of the prompt; the other formats are not."""
    if not isinstance(wanted, model.JsonSchema):
        return 0
    return of_text(wanted.name + (wanted.description or "")) + of_text(wanted.schema or b"")


def _part(part: model.Part) -> int:
    match part:
        case model.Text(text=text):
            return of_text(text)
        case model.Refusal(refusal=refusal):
            return of_text(refusal)
        case model.Image(detail=detail):
            return SMALL_IMAGE_TOKENS if detail == "low" else IMAGE_TOKENS
