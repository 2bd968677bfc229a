"""Names and members: unambiguous, and sorted as the port asks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from understudy_server.store.port import Partition, Position, Put
from understudy_server.store.redis import keys

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
_positions = st.builds(Position, st.integers(0, 2**62), _texts)
NAMES = keys.Names("p")


@given(st.lists(_texts, max_size=4))
def test_texts_survive(texts: list[str]) -> None:
    assert keys.unpacked(keys.packed(*texts)) == texts


@given(st.lists(_texts, min_size=2, max_size=2), st.lists(_texts, min_size=2, max_size=2))
def test_packed_texts_sort_as_texts(one: list[str], two: list[str]) -> None:
    assert (keys.packed(*one) < keys.packed(*two)) == (one < two)


@given(_positions, _positions, _texts)
def test_positions_sort_and_bound(one: Position, two: Position, kind: str) -> None:
    member = keys.position_key(one) + keys.packed(kind)
    assert (keys.position_key(one) < keys.position_key(two)) == (one < two)
    assert (member > keys.lowest(two)[1:]) == (one > two)
    assert (member < keys.highest(two)[1:]) == (one < two)


@given(st.lists(_texts, min_size=4, max_size=4), st.lists(_texts, min_size=4, max_size=4))
def test_no_two_records_share_a_name(one: list[str], two: list[str]) -> None:
    first = NAMES.record(Partition(one[0], one[1]), one[2], one[3])
    second = NAMES.record(Partition(two[0], two[1]), two[2], two[3])
    assert (first == second) == (one == two)


def test_everything_of_a_partition_has_one_hash_tag() -> None:
    partition = Partition("proj", "thread/{evil}")
    tag = NAMES.tag(keys.bucket_of(partition))
    for name in (
        NAMES.record(partition, "k}", "{i}"),
        NAMES.log(partition, "{l}"),
        NAMES.listing(partition, None),
        NAMES.directory(keys.bucket_of(partition), "{p}", "k", "l"),
    ):
        assert name.startswith(tag + ":")
        assert name.count("{") == name.count("}") == 1


def test_partitions_spread_over_the_buckets() -> None:
    found = {keys.bucket_of(Partition("proj", f"thread/thread_{n}")) for n in range(5_000)}
    assert len(found) == keys.BUCKETS


@given(st.lists(_texts, min_size=3, max_size=3))
def test_a_name_tells_its_texts(texts: list[str]) -> None:
    partition = Partition(texts[0], texts[1])
    listing, log = NAMES.listing(partition, None), NAMES.log(partition, texts[2])
    assert NAMES.parse("all", listing.encode()) == texts[:2]
    assert NAMES.parse("log", log.encode()) == texts


@given(_texts, st.lists(_texts, max_size=3))
def test_indexes_tell_the_labels(text: str, labels: list[str]) -> None:
    put = Put(
        kind=text, id=text, expected=None, order=1, body=b"", due=3, labels=(*labels, *labels)
    )
    flat: list[bytes] = []
    for name, member in NAMES.indexes(Partition(text, text), put):
        flat += [name.encode(), member]
    assert keys.labels_of(flat) == tuple(sorted(set(labels)))
