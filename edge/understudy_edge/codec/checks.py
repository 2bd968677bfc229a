"""Options that contradict each other stop the start. What a single field's type forbids is found while compiling."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from google.protobuf.message_factory import GetMessageClass

from understudy_edge.codec.fields import Decode, compile_member
from understudy_edge.codec.plan import (
    SCALARS,
    DialectError,
    Kind,
    Member,
    MessagePlan,
    Plans,
    Union,
)
from understudy_edge.codec.shapes import choices
from understudy_edge.problems import Problem


def check_plans(plans: Plans) -> None:
    """Raises DialectError for the first contradiction. Runs before the codec is built."""
    for plan in plans.values():
        _check_names(plan)
        if plan.inline:
            _check_inline(plan, plans)
        for entry in plan.entries:
            if isinstance(entry, Union):
                _check_union(plan, entry)
                for branch in entry.branches:
                    _check_member(f"{plan.name}.{branch.name}", branch, in_union=True)
            else:
                _check_member(f"{plan.name}.{entry.name}", entry, in_union=False)
    for plan in plans.values():
        if plan.inline:
            for union in plan.unions:
                choices(plan, union, plans)


def check_echoes(plans: Plans, decoders: Mapping[str, Decode]) -> None:
    """Raises DialectError for a default that is not JSON, or that the field itself would not take."""
    for plan in plans.values():
        for member in plan.members:
            if member.echo is None:
                continue
            where = f"{plan.name}.{member.name}"
            try:
                value = orjson.loads(member.echo)
            except orjson.JSONDecodeError as error:
                raise DialectError(where, "its echo is not JSON") from error
            try:
                scratch = GetMessageClass(plan.descriptor)()
                compile_member(member, plans, decoders)(scratch, value, (None, member.name), [])
            except Problem as error:
                raise DialectError(where, f"its echo does not fit: {error}") from error


def _check_names(plan: MessagePlan) -> None:
    keys = [member.name for member in plan.members]
    keys += [union.tag for union in plan.unions if union.tag]
    keys += ["object"] if plan.object else []
    for key in keys:
        if keys.count(key) > 1:
            raise DialectError(plan.name, f"two members have the key '{key}'")


def _check_inline(plan: MessagePlan, plans: Plans) -> None:
    if len(plan.entries) != 1 or plan.masked:
        raise DialectError(plan.name, "an inline message has exactly one member")
    if plan.object:
        raise DialectError(plan.name, "an inline message has no place for `object`")
    waiting = [plan]
    seen: set[str] = set()
    while waiting:
        for member in waiting.pop().members:
            inner = plans[member.message] if member.message else None
            if inner is plan:
                raise DialectError(
                    f"{plan.name}.{member.name}", "an inline message cannot contain itself"
                )
            if inner is not None and inner.inline and inner.name not in seen:
                seen.add(inner.name)
                waiting.append(inner)


def _check_member(where: str, member: Member, *, in_union: bool) -> None:
    options = member.options
    if options.echo and options.null_when_unset:
        raise DialectError(where, "echo and null_when_unset exclude each other")
    if (options.echo or options.null_when_unset) and not member.presence:
        raise DialectError(where, "only a field with presence can be shown while it is unset")
    if options.required and options.not_null:
        raise DialectError(where, "required says not_null already")
    if (options.query or options.header) and member.kind not in SCALARS:
        raise DialectError(where, "only scalars come in the query or in a header")
    if (options.query or options.header) and member.keyed:
        raise DialectError(where, "a map cannot come in the query or in a header")
    if member.kind is Kind.NULL and not options.null_when_unset and not in_union:
        raise DialectError(where, "null would mean two things: it needs null_when_unset")
    if options.header and member.repeated:
        raise DialectError(where, "a header has one value")
    if member.kind in {Kind.RAW, Kind.EMPTY, Kind.NULL} and not member.single:
        raise DialectError(
            where, f"a list or map of {member.kind} values has no form in the dialect"
        )


def _check_union(plan: MessagePlan, union: Union) -> None:
    where = f"{plan.name}.{union.name}"
    events = [branch.options.event for branch in union.branches]
    if union.tag_before and (
        not union.tag
        or plan.inline
        or union.tag_before not in {entry.name for entry in plan.entries}
    ):
        raise DialectError(where, "tag_before needs a tag and names another member")
    if any(events):
        if not all(events) or len(set(events)) < len(events) or union.tag or plan.inline:
            raise DialectError(where, "events are distinct, on every branch, without a tag")
    elif not union.tag and not plan.inline:
        raise DialectError(
            where, "needs a tag, unless its message is inline or its branches are events"
        )
