"""Ids and sort keys: unambiguous, allowed by Cosmos DB, and sorted as the port asks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from understudy_server.store.cosmos import names
from understudy_server.store.port import EventId, Partition, Position

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
_positions = st.builds(Position, st.integers(0, 2**62), _texts)
_events = st.builds(EventId, st.integers(0, 2**62), st.integers(0, 2**62))
_quads = st.tuples(_texts, _texts, _texts, _texts)


@given(_positions, _positions)
def test_places_sort_as_positions(one: Position, two: Position) -> None:
    assert (names.place(one) < names.place(two)) == (one < two)
    assert (names.place(one) == names.place(two)) == (one == two)


@given(_positions, _positions, _texts)
def test_bounds_hold_what_lies_between(one: Position, low: Position, kind: str) -> None:
    start = names.listing(Partition("p", "n"), kind)[1]
    key = start + names.place(one)
    above, below = names.bounds(start, low, None)
    assert (above < key < below) == (one > low)
    above, below = names.bounds(start, None, low)
    assert (above < key < below) == (one < low)
    assert names.bounds(start, None, None)[0] < key < names.bounds(start, None, None)[1]


@given(_quads, _quads, _positions, _positions)
def test_no_listing_reaches_into_another(
    one: tuple[str, ...], two: tuple[str, ...], first: Position, second: Position
) -> None:
    starts = [names.listing(Partition(each[0], each[1]), each[2])[1] for each in (one, two)]
    starts += [names.directory(*each[:3]) for each in (one, two)]
    starts += [names.log_start(Partition(each[0], each[1]), each[2]) for each in (one, two)]
    for mine, other in (starts[:2], starts[2:4], starts[4:]):
        if one[:3] != two[:3]:
            key = other + names.place(first)
            assert not mine < key < mine + names.AFTER_ALL


@given(_events, _events)
def test_events_sort_as_numbers(one: EventId, two: EventId) -> None:
    assert (names.event(one) < names.event(two)) == (one < two)


@given(_quads, _quads)
def test_no_two_items_share_an_address(one: tuple[str, ...], two: tuple[str, ...]) -> None:
    def address(texts: tuple[str, ...]) -> tuple[str, str]:
        return names.partition_key(Partition(*texts[:2])), names.record_id(*texts[2:])

    assert (address(one) == address(two)) == (one == two)
    assert names.record_id(one[0], one[1]) != names.log_id(one[0])


@given(_texts, _texts)
def test_ids_have_only_what_cosmos_allows(kind: str, id: str) -> None:
    for found in (names.record_id(kind, id), names.log_id(id), names.label_property(id)):
        assert found.isascii()
        assert not set(found) & set("/\\?# \"'%[]")
    assert names.label_property(id).replace("~", "").isidentifier()


@given(st.text(min_size=300, max_size=400), st.text(min_size=300, max_size=400))
def test_long_texts_stay_apart_and_short(one: str, two: str) -> None:
    first, second = names.record_id(one, one), names.record_id(one, two)
    assert (first == second) == (one == two)
    assert len(first) < 1023
    assert len(names.partition_key(Partition(one, two))) < 2048
    assert len(names.entries_id(one, "0" * 16, EventId(2**62, 2**62))) < 1023


@given(_texts, _texts)
def test_no_two_labels_share_a_property(one: str, two: str) -> None:
    assert (names.label_property(one) == names.label_property(two)) == (one == two)


def test_numbers_sort_as_text() -> None:
    assert names.number(0) < names.number(9) < names.number(10) < names.number(2**62)
