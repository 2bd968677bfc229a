from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from understudy_server.embeddings.batches import batches, prepared, tokens


@given(st.lists(st.text(max_size=40)), st.integers(1, 5), st.integers(1, 30))
def test_every_text_once_in_order_and_no_portion_too_large(
    texts: list[str], most_texts: int, most_tokens: int
) -> None:
    found = list(batches(texts, most_texts=most_texts, most_tokens=most_tokens))
    assert [index for portion in found for index in portion] == list(range(len(texts)))
    for portion in found:
        assert 1 <= len(portion) <= most_texts
        assert len(portion) == 1 or sum(tokens(texts[i]) for i in portion) <= most_tokens


@given(st.text())
def test_what_is_sent_is_never_empty_and_can_be_written(text: str) -> None:
    assert prepared(text).strip()
    assert prepared(text).encode()
