from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from understudy_server.retrieval.ranking import Ranked, joined, ranked

SCORES = st.sampled_from([0.0, 0.1, 0.5, 0.5, 1.0])


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    size = draw(st.integers(0, 12))
    return {
        "words": np.array(draw(st.lists(SCORES, min_size=size, max_size=size)), dtype=float),
        "asked": np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=bool),
        "order": np.array(draw(st.permutations(range(size))), dtype=np.int64),
    }


@given(questions(), st.integers(1, 5))
def test_ties_at_the_last_place_are_settled_by_the_order(given: dict[str, Any], depth: int) -> None:
    found = ranked(given["words"], None, ranking="fused", depth=depth, **_rest(given))
    expected = sorted(
        (n for n, score in enumerate(given["words"]) if score > 0 and given["asked"][n]),
        key=lambda n: (-given["words"][n], given["order"][n]),
    )
    assert found.chunks.tolist() == expected[:depth]
    assert found.scores.tolist() == [given["words"][n] for n in expected[:depth]]


def _rest(given: dict[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in ("asked", "order")}


@given(questions(), st.randoms(use_true_random=False))
def test_how_chunks_lie_in_memory_changes_nothing(given: dict[str, Any], random: Any) -> None:
    meaning = given["words"][::-1].copy()
    first = ranked(given["words"], meaning, ranking="fused", **_rest(given))
    places = list(range(len(meaning)))
    random.shuffle(places)
    moved = np.array(places, dtype=np.int64)
    second = ranked(
        given["words"][moved],
        meaning[moved],
        ranking="fused",
        asked=given["asked"][moved],
        order=given["order"][moved],
    )
    assert moved[second.chunks].tolist() == first.chunks.tolist()
    assert second.scores.tolist() == first.scores.tolist()


def test_first_in_both_is_1_and_first_in_one_a_half() -> None:
    words, meaning = np.array([0.9, 0.8, 0.0]), np.array([0.9, 0.0, 0.7])
    found = ranked(
        words, meaning, ranking="fused", asked=np.ones(3, dtype=bool), order=np.arange(3)
    )
    assert found.chunks.tolist() == [0, 1, 2]
    assert found.scores.round(6).tolist() == [1.0, round(61 / 2 / 62, 6), round(61 / 2 / 62, 6)]


def test_of_several_questions_each_chunk_keeps_its_best_score() -> None:
    first = Ranked(chunks=np.array([2, 0]), scores=np.array([0.9, 0.4]))
    second = Ranked(chunks=np.array([0, 1]), scores=np.array([0.9, 0.1]))
    found = joined([first, second], np.arange(3))
    assert found.chunks.tolist() == [0, 2, 1]
    assert found.scores.tolist() == [0.9, 0.9, 0.1]
    assert list(found.above(0.5)) == [(0, 0.9), (2, 0.9)]
