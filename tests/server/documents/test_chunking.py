from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from understudy_server.documents.chunking import chunks
from understudy_server.runs import tokens

TEXTS = st.text(
    st.sampled_from([*"abc  \n\n\f.!? 19#{", "é", "漢", "。", "😀", "\ud800", "\t"]), max_size=900
)


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(st.integers(4, 60))
    return size, draw(st.integers(0, size // 2))


def units(text: str) -> int:
    """Twentieths of a token, exactly."""
    return sum(_unit(character) for character in text)


def _unit(character: str) -> int:
    if character == " " or (character.isascii() and character.isalpha()):
        return 5
    if character.isascii():
        return 12 if character.isdigit() else 16
    return 8 * len(character.encode("utf-8", "surrogatepass"))


@given(TEXTS, sizes())
@example("", (10, 5))
@example("a" * 300, (4, 2))
@example("😀" * 300, (4, 2))
@example("\n" * 300, (10, 5))
def test_chunks_are_bounded_ordered_and_hold_the_whole_text(
    text: str, given_sizes: tuple[int, int]
) -> None:
    size, overlap = given_sizes
    found = list(chunks(text, size=size, overlap=overlap))
    for start, end in found:
        assert 0 <= start < end <= len(text)
        assert units(text[start:end]) <= size * 20
        assert not text[start:end].isspace()
    for (start, end), (later_start, later_end) in pairwise(found):
        assert start < later_start
        assert end < later_end
    covered = bytearray(len(text))
    for start, end in found:
        covered[start:end] = b"\1" * (end - start)
    left_out = "".join(c for c, is_covered in zip(text, covered, strict=True) if not is_covered)
    assert not left_out.strip()


@given(TEXTS.map(lambda text: "x".join([*text, ""])), sizes())
def test_neighbours_share_what_was_asked_for(text: str, given_sizes: tuple[int, int]) -> None:
    size, overlap = given_sizes
    found = list(chunks(text, size=size, overlap=overlap))
    rebuilt = text[: found[0][1]] if found else ""
    for (start, end), (later_start, later_end) in pairwise(found):
        shared = units(text[later_start:end])
        assert shared <= overlap * 20
        if later_start > start + 1:
            assert shared + 32 + overlap * 20 * 0.2 >= overlap * 20
        rebuilt += text[end:later_end]
    assert rebuilt == text


@pytest.mark.parametrize(("size", "overlap"), [(3, 0), (100, 51), (100, -1), (0, 0)])
def test_sizes_that_make_no_chunks(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="no chunks"):
        list(chunks("text", size=size, overlap=overlap))


def test_a_short_text_is_one_chunk() -> None:
    assert list(chunks("Hello there.", size=800, overlap=400)) == [(0, 12)]
    assert list(chunks("", size=800, overlap=400)) == []
    assert list(chunks(" \n\f ", size=800, overlap=400)) == []


@pytest.mark.parametrize(
    ("unit", "border"),
    [
        ("a word and another one and a third one\n\n", "\n\n"),
        ("A short sentence of words. ", ". "),
        ("a line of words that says little\n", "\n"),
        ("word ", " "),
    ],
)
def test_chunks_end_and_begin_at_borders(unit: str, border: str) -> None:
    text = unit * 200
    found = list(chunks(text, size=100, overlap=50))
    assert len(found) > 3
    for _, end in found[:-1]:
        assert text[:end].endswith(border)
    for start, _ in found[1:]:
        assert text[:start].endswith(border)


def test_a_better_border_is_worth_a_shorter_chunk() -> None:
    text = "word " * 70 + "end.\n\n" + "word " * 100
    (_, end), *_ = chunks(text, size=100, overlap=0)
    assert text[:end].endswith("\n\n")


def test_tokens_are_counted_as_elsewhere() -> None:
    text = "Prices: 12,50 € (naïve 漢字 😀)\n" * 50
    for start, end in chunks(text, size=100, overlap=50):
        assert tokens.of_text(text[start:end]) <= 100


LARGE = 1_000_000


@pytest.mark.parametrize(
    ("text", "count"),
    [("x" * LARGE, 624), ("\n" * LARGE, 0), (" " * LARGE + "x", 1), ("😀" * (LARGE // 4), 999)],
)
def test_large_texts_of_one_kind(text: str, count: int) -> None:
    """In time that is proportional to them: each step looks at a window, not at the text."""
    assert len(list(chunks(text, size=800, overlap=400))) == count
