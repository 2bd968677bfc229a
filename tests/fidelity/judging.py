"""Which places of a property must have been seen, and what counts as the same value."""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import Any

from tests.fidelity.properties import Key, Property, all_properties, requests, responses, slots
from tests.fidelity.rows import ROOMS
from tests.fidelity.verdicts import Kind, Verdict


@cache
def verdicts() -> dict[Key, Verdict]:
    """Every row."""
    return {
        (schema, path): verdict
        for table in ROOMS.values()
        for schema, rows in table.items()
        for path, verdict in rows.items()
    }


@cache
def found() -> dict[Key, Property]:
    return {property.key: property for property in all_properties()}


@cache
def in_requests() -> frozenset[Key]:
    of_bodies = chain.from_iterable(slots(schema) for schema in requests())
    queries = (key for key in found() if " " in key[0])
    return frozenset(chain((slot.property.key for slot in of_bodies), queries))


@cache
def in_responses() -> frozenset[Key]:
    of_bodies = chain.from_iterable(slots(schema) for schema in responses())
    return frozenset(slot.property.key for slot in of_bodies)


@cache
def _refused(key: Key) -> bool:
    return verdicts()[key].kind == "refused"


def places(key: Key, *, below_refused: bool = False) -> set[str]:
    """Where the property stands in bodies; with or without places in something that is refused as a whole."""
    return {
        slot.place
        for schema in requests()
        for slot in slots(schema)
        if slot.property.key == key and (below_refused or not any(map(_refused, slot.above)))
    }


def keys(of: frozenset[Key], *kinds: Kind) -> list[Key]:
    return [key for key, verdict in verdicts().items() if key in of and verdict.kind in kinds]


def name(key: Key) -> str:
    """As tests are called after it: ``RunObject.last_error.code``, ``GET /assistants?limit``."""
    schema, path = key
    mark = "?" if " " in schema else " " if path.startswith("(") else "."
    return f"{schema}{mark}{path}"


def covers(read: Any, sent: Any) -> bool:
    """Whether everything that was sent is there; more may be, and a default in the place of null."""
    if sent is None:
        return True
    if isinstance(sent, dict):
        return isinstance(read, dict) and all(
            covers(read.get(key), value) for key, value in sent.items()
        )
    if isinstance(sent, list):
        return (
            isinstance(read, list)
            and len(read) == len(sent)
            and all(covers(*pair) for pair in zip(read, sent, strict=True))
        )
    return bool(read == sent)
