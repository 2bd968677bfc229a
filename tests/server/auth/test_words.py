"""Reading credentials and talking about them."""

from __future__ import annotations

import base64

import pytest

from understudy_server.auth.credentials import api_key
from understudy_server.auth.words import mask, wrong_key


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Bearer sk-1", "sk-1"),
        ("bearer  sk-1 ", "sk-1"),
        ("sk-1", None),
        ("Token sk-1", None),
        (_basic(":sk-1"), "sk-1"),
        (_basic("user:sk:1"), "sk:1"),
        (_basic("sk-1"), None),
        (_basic(":"), None),
        ("Basic !!!", None),
        ("Basic /w==", None),
    ],
)
def test_the_key_of_a_header(header: str | None, key: str | None) -> None:
    assert api_key(header) == key


@pytest.mark.parametrize(
    ("key", "masked"),
    [
        ("not-a-real-key-0123456789-anonymized", "not-a-re************************ized"),
        ("abcdefghijklm", "abcdefgh*jklm"),
        ("abcdefghijkl", "************"),
        ("abc", "***"),
        ("", ""),
        ("a" * 10_000, "aaaaaaaa" + "*" * 64 + "aaaa"),
    ],
)
def test_masking(key: str, masked: str) -> None:
    assert mask(key) == masked
    assert wrong_key(key) == (
        f"Incorrect API key provided: {masked}."
        " You can find your API key at https://platform.openai.com/account/api-keys."
    )
