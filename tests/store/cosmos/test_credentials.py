from __future__ import annotations

import pytest

from understudy_server.store.cosmos.connecting import parse_url
from understudy_server.store.cosmos.credentials import with_key

VARIABLES = {"COSMOS_KEY": "a/b+Cw==", "OTHER": "b3RoZXI="}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("cosmos://a.com/db", "cosmos://:a%2Fb%2BCw%3D%3D@a.com/db"),
        ("cosmos://a.com:1/db?tls=true", "cosmos://:a%2Fb%2BCw%3D%3D@a.com:1/db?tls=true"),
        ("cosmos://a.com/db?key_env=OTHER", "cosmos://:b3RoZXI%3D@a.com/db?key_env=OTHER"),
        ("cosmos://a.com/db?key_env=NONE", "cosmos://a.com/db?key_env=NONE"),
        ("cosmos://:mine@a.com/db", "cosmos://:mine@a.com/db"),
        ("sqlite:///x.db", "sqlite:///x.db"),
        ("memory://", "memory://"),
    ],
)
def test_a_key_is_put_in(url: str, expected: str) -> None:
    assert with_key(url, VARIABLES) == expected


def test_it_comes_out_again() -> None:
    assert parse_url(with_key("cosmos://a.com/db", VARIABLES), {}).key == VARIABLES["COSMOS_KEY"]
