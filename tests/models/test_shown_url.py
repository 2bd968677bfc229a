"""Where a request goes, without anything that is nobody's business."""

from __future__ import annotations

import pytest

from understudy_server.models.shown_url import shown_url


@pytest.mark.parametrize(
    ("base_url", "shown"),
    [
        ("https://api.example/v1", "https://api.example/v1/responses"),
        ("https://api.example/v1/", "https://api.example/v1/responses"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/responses"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1/responses"),
        ("https://ada:lovelace@api.example/v1", "https://api.example/v1/responses"),
        ("https://ada@api.example:1/v1", "https://api.example:1/v1/responses"),
        ("https://api.example/v1?key=123456#x", "https://api.example/v1/responses"),
        ("https://api.example/the-secret/v1", "https://api.example/***/v1/responses"),
        ("https://api.example/sk-0123456789/v1", "https://api.example/sk-***/v1/responses"),
        ("https://ada:love/lace@api.example", None),
        ("https://[api.example/v1", None),
    ],
)
def test_shown_urls(base_url: str, shown: str | None) -> None:
    assert shown_url(base_url, "/responses", ["the-secret"]) == shown
