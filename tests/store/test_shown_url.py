from __future__ import annotations

import pytest

from understudy_server.store.shown_url import shown_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("memory://", "memory://"),
        ("sqlite:///a b.db?shared=true", "sqlite:///a b.db?shared=true"),
        ("store.db", "store.db"),
        ("redis://host:6379/0?prefix=x", "redis://host:6379/0?prefix=x"),
        ("redis://:secret@host", "redis://:***@host"),
        ("rediss://me:secret@host:1/0", "rediss://me:***@host:1/0"),
        ("redis://me@host", "redis://me@host"),
        (
            "redis+sentinel://me:secret@a:1,b:2/main/0?sentinel_username=x&sentinel_password=y",
            "redis+sentinel://me:***@a:1,b:2/main/0?sentinel_username=x&sentinel_password=***",
        ),
        ("postgresql://h/db?password=a&schema=b", "postgresql://h/db?password=***&schema=b"),
        ("cosmos://h/db?a=b&Key=c/d==", "cosmos://h/db?a=b&Key=***"),
        ("postgresql://me:a@b@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:a/b@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:a?b#c@host/db", "postgresql://me:***@host/db"),
    ],
)
def test_a_password_is_not_shown(url: str, shown: str) -> None:
    assert shown_url(url) == shown
