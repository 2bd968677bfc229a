"""Many sorted listings as one."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from understudy_server.store.redis.merging import Pages, merged

_buckets = st.dictionaries(
    st.integers(0, 20), st.lists(st.binary(min_size=1, max_size=3), max_size=30), max_size=8
)


@given(_buckets, st.integers(1, 40), st.booleans())
async def test_a_page_is_what_sorting_everything_gives(
    buckets: dict[int, list[bytes]], limit: int, descending: bool
) -> None:
    asked = 0

    async def ask(unfinished: Mapping[int, bytes | None], count: int) -> Pages:
        nonlocal asked
        asked += 1
        answers = []
        for bucket, after in unfinished.items():
            members = sorted(set(buckets[bucket]), reverse=descending)
            start = 0 if after is None else members.index(after) + 1
            answers.append(members[start : start + count])
        return answers

    everything = sorted(
        {member for members in buckets.values() for member in members}, reverse=descending
    )
    found = await merged(ask, buckets, limit, descending=descending)
    members = [member for member, _ in found]
    expected = sorted(
        [(m, b) for b, listed in buckets.items() for m in set(listed)],
        key=lambda pair: pair[0],
        reverse=descending,
    )
    assert members == [member for member, _ in expected[:limit]]
    assert set(members) <= set(everything)
    assert asked <= 6


async def test_a_long_bucket_among_empty_ones_is_asked_again_and_no_other() -> None:
    asked: list[list[int]] = []

    async def ask(unfinished: Mapping[int, bytes | None], count: int) -> Pages:
        asked.append(list(unfinished))
        return [
            [b"%05d" % n for n in range(int(after or b"0") + 1, 1_000)][:count]
            if bucket == 7
            else []
            for bucket, after in unfinished.items()
        ]

    found = await merged(ask, range(256), 100, descending=False)
    assert len(found) == 100
    assert asked[0] == list(range(256))
    assert all(again == [7] for again in asked[1:])
