from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy_server.retrieval.words import normal, terms_of, words


def finds(query: str, text: str) -> bool:
    """Whether some word of the query is in the text."""
    return bool(np.isin(terms_of(query), words(text).terms).any())


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("fox", "The quick brown FOX."),
        ("foxes", "a fox"),
        ("running", "they run"),
        ("cafe", "Café"),
        ("CAFÉ", "cafe\u0301s cafe\u0301"),
        ("strasse", "Hauptstraße Straße"),
        ("naïve", "NAIVE"),
        ("some_name", "name"),
        ("2026", "on 2026-01-31"),
        ("Москва", "МОСКВА"),
        ("東京", "私は東京都に住んでいます"),
        ("京都", "私は東京都に住んでいます"),
        ("都", "東京都"),
        ("ภาษา", "ภาษาไทย"),
        ("서울", "서울에서"),
        ("東", "GPU東"),
    ],
)
def test_what_is_the_same_word(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("fox", "foxtrot"),
        ("cat", "concatenate"),
        ("京東", "東京都"),
        ("", "something"),
        ("!?", "!?"),
        ("x" * 65, "x" * 63),
    ],
)
def test_what_is_another_word(query: str, text: str) -> None:
    assert not finds(query, text)


def test_a_word_that_is_very_long_counts_by_its_beginning() -> None:
    assert finds("x" * 200, "x" * 300)


def test_each_word_of_a_question_once() -> None:
    assert len(terms_of("fox Fox FOXES fox")) == 1


def test_where_words_begin() -> None:
    assert words("  ab, 東京 c").starts.tolist() == [2, 6, 6, 7, 9]


@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    found = words(text)
    assert len(found.starts) == len(found.terms)
    assert (np.diff(found.starts) >= 0).all()
    # Whatever has words finds itself.
    if len(found.terms):
        assert finds(text, text)


@given(st.text(max_size=40, alphabet=st.characters(codec="utf-8")), st.text(max_size=40))
def test_what_stands_before_changes_nothing(first: str, second: str) -> None:
    apart = np.concatenate([words(first).terms, words(second).terms])
    together = words(f"{first} . {second}")
    assert sorted(together.terms) == sorted(apart)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEF", min_size=1, max_size=20))
def test_case_never_matters(word: str) -> None:
    assert normal(word.upper()) == normal(word.lower())
