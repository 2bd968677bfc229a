"""Sorted keys against a sorted list."""

from __future__ import annotations

from random import Random

import pytest

from understudy_server.store.sorted_keys import SortedKeys


@pytest.mark.parametrize("size", [0, 1, 3, 1024, 1025, 5000])
def test_like_a_sorted_list(size: int) -> None:
    random = Random(size)
    keys, plain = SortedKeys(), []
    for number in random.sample(range(10 * size or 1), size):
        keys.add((number, "x"))
        plain.append((number, "x"))
    for key in random.sample(plain, size // 2):
        keys.remove(key)
        plain.remove(key)
    plain.sort()
    edges = [None, (-1,), (10 * size,), *[(random.randrange(10 * size + 1),) for _ in range(8)]]
    for start in edges:
        for stop in edges:
            inside = [
                key
                for key in plain
                if (start is None or key >= start) and (stop is None or key < stop)
            ]
            assert list(keys.ascending(start, stop)) == inside
            assert list(keys.descending(start, stop)) == inside[::-1]


@pytest.mark.parametrize("way", [1, -1])
def test_emptied_in_order(way: int) -> None:
    keys = SortedKeys()
    numbers = range(3000)[::way]
    for number in numbers:
        keys.add((number,))
    for number in numbers:
        assert keys
        keys.remove((number,))
    assert not keys
    assert list(keys.ascending()) == list(keys.descending()) == []


def test_removing_what_is_not_there() -> None:
    keys = SortedKeys()
    with pytest.raises(KeyError):
        keys.remove((1,))
    keys.add((2,))
    for absent in (1, 3):
        with pytest.raises(KeyError):
            keys.remove((absent,))
