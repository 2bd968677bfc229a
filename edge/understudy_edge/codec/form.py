"""From the fields of a form, whose values are all text, to the JSON value that they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from understudy_edge.codec import words
from understudy_edge.codec.bind import parse
from understudy_edge.codec.plan import MessagePlan, Plans

_NAME = re.compile(r"[^\[\]]+(\[[^\[\]]+\])*")
_KEYS = re.compile(r"[^\[\]]+")


def form_value(plan: MessagePlan, pairs: Iterable[tuple[str, str]], plans: Plans) -> dict[str, Any]:
    """`expires_after[seconds]` is the member of a member, as deep as messages go.

    What stands for no value of the right type stays text, which the decoder then refuses in its own words. Raises
    Problem for a name that is none, for one that is there twice, and for a member of what is no object.
    """
    value: dict[str, Any] = {}
    for name, text in pairs:
        keys = _KEYS.findall(name)
        if not _NAME.fullmatch(name):
            raise words.unknown((None, name))
        _set(value, keys, text, plan, plans)
    return value


def _set(
    value: dict[str, Any], keys: list[str], text: str, plan: MessagePlan, plans: Plans
) -> None:
    path: words.Path = None
    for at, key in enumerate(keys, 1):
        path = (path, key)
        member = next((m for m in plan.members if m.name == key and m.single), None)
        if member is None:
            raise words.unknown(path)
        if at == len(keys):
            if key in value:
                raise words.repeated(path)
            if member.words is not None and text not in member.words.values():
                raise words.not_one_of(path, text, member.words.values())
            value[key] = parse(member, text)
            return
        inner = plans[member.message] if member.message else None
        if inner is None or inner.inline:
            raise words.unknown((path, keys[at]))
        value = value.setdefault(key, {})
        if type(value) is not dict:
            raise words.repeated(path)
        plan = inner
