"""Which JSON types a member takes: how inline unions choose their branch, and what a refusal says was expected."""

from __future__ import annotations

from understudy_edge.codec.plan import DialectError, Kind, Member, MessagePlan, Plans, Union

_PYTHON_TYPES: dict[Kind, tuple[type, ...]] = {
    Kind.STRING: (str,),
    Kind.ENUM: (str,),
    Kind.INTEGER: (int,),
    Kind.NUMBER: (float, int),
    Kind.BOOLEAN: (bool,),
    Kind.NULL: (type(None),),
    Kind.RAW: (dict,),
    Kind.EMPTY: (dict,),
}
_NOUNS = {
    Kind.STRING: "string",
    Kind.ENUM: "string",
    Kind.INTEGER: "integer",
    Kind.NUMBER: "decimal number",
    Kind.BOOLEAN: "boolean",
    Kind.NULL: "null",
    Kind.RAW: "object",
    Kind.EMPTY: "object",
}


def types_of(member: Member, plans: Plans) -> frozenset[type]:
    """The Python types of the parsed JSON values that the member takes."""
    if member.repeated:
        return frozenset({list})
    if member.keyed:
        return frozenset({dict})
    if member.message is None:
        return frozenset(_PYTHON_TYPES[member.kind])
    plan = plans[member.message]
    if not plan.inline:
        return frozenset({dict})
    return frozenset().union(*(types_of(inner, plans) for inner in plan.members))


def nouns_of(member: Member, plans: Plans) -> frozenset[str]:
    """What the member takes, in OpenAI's nouns, without articles."""
    if member.keyed:
        return frozenset({"object"})
    item = (
        frozenset({_NOUNS[member.kind]})
        if member.message is None
        else nouns_of_message(plans[member.message], plans)
    )
    if not member.repeated:
        return item
    return frozenset({f"array of {noun}s" for noun in item} if len(item) == 1 else {"array"})


def nouns_of_message(plan: MessagePlan, plans: Plans) -> frozenset[str]:
    if not plan.inline:
        return frozenset({"object"})
    return frozenset().union(*(nouns_of(inner, plans) for inner in plan.members))


def choices(plan: MessagePlan, union: Union, plans: Plans) -> dict[type, Member | Union]:
    """How an inline union chooses: by JSON type a branch, or the union itself where its tag decides.

    Raises DialectError where two branches want one type.
    """
    tagged = union.tagged(inline=True)
    table: dict[type, Member | Union] = {dict: union} if tagged else {}
    for branch in union.branches:
        if branch in tagged:
            continue
        for json_type in types_of(branch, plans):
            if json_type in table:
                raise DialectError(
                    f"{plan.name}.{branch.name}", "another branch has the same JSON type"
                )
            table[json_type] = branch
    return table
