from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.server.retrieval.library import document
from understudy_server.retrieval.block import Block, join
from understudy_server.retrieval.cache import Cache, added, without
from understudy_server.retrieval.segment import decode, encode
from understudy_server.store.port import Partition


def block(number: int, *, chunks: int = 1, model: str = "") -> Block:
    made = document(*(f"red fox {number} {n}" for n in range(chunks)), model=model)
    content = encode(made.text, made.bounds, embedding=made.model, vectors=made.vectors)
    return Block.of(f"vs/{number}", decode(content))


def same(one: Block, other: Block) -> bool:
    return one.kind == other.kind and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in (
            "keys",
            "starts",
            "vectors",
            "lengths",
            "terms",
            "offsets",
            "chunks",
            "counts",
        )
    )


def test_blocks_stay_few_however_many_files_come_one_by_one() -> None:
    blocks: list[Block] = []
    for number in range(200):
        blocks = added(blocks, block(number, model=("acme/new" if number % 2 else "")))
    assert len(blocks) <= 2 * 8
    keys = [key for each in blocks for key in each.keys]
    assert sorted(keys) == sorted(f"vs/{number}" for number in range(200))
    assert {each.kind for each in blocks} == {("", 0), ("acme/new", 8)}


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=5),
    st.sets(st.integers(0, 5)),
    st.sampled_from(["", "acme/new"]),
)
def test_what_is_taken_out_of_a_block_was_never_there(
    sizes: list[int], gone: set[int], model: str
) -> None:
    all_of_them = [
        block(number, chunks=size, model=model if size else "")
        for number, size in enumerate(sizes)
        if size or not model
    ]
    if not all_of_them:
        return
    keys = {f"vs/{number}" for number in gone}
    kept = [each for each in all_of_them if each.keys[0] not in keys]
    left = without([join(all_of_them)], keys)
    assert len(left) == bool(kept)
    if kept:
        assert same(left[0], join(kept))


def test_room_is_made_of_what_was_used_longest_ago_and_never_for_nothing() -> None:
    partitions = [Partition("default", f"vector_store/{n}") for n in range(3)]
    cache = Cache(30_000)
    for partition in partitions:
        cache.index(partition).put([block(1, chunks=50)])
    size = cache.bytes // 3
    mine = cache.index(partitions[0])
    cache.room = 3 * size
    assert cache.make_room(0, of=mine)
    assert not cache.make_room(3 * size, of=mine)
    assert cache.bytes == 3 * size
    assert cache.make_room(size, of=mine)
    assert not cache.has(partitions[1], mine)
    assert cache.bytes == 2 * size
    assert cache.has(partitions[0], mine)


async def test_a_store_that_somebody_changes_is_not_forgotten() -> None:
    one, other = Partition("default", "a"), Partition("default", "b")
    cache = Cache(10_000)
    busy, mine = cache.index(one), cache.index(other)
    async with busy.lock:
        assert not cache.make_room(cache.room, of=mine)
    assert not cache.make_room(cache.room, of=mine)
    assert cache.make_room(cache.room - mine.bytes, of=mine)
    assert not cache.has(one, busy)
