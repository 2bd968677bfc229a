"""From where to where, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy_cli.copying.ends import ends
from understudy_cli.setting import SettingsError
from understudy_server.store.opener import InvalidStoreUrl


def test_urls_are_made_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.db").touch()
    (tmp_path / "link.db").symlink_to("old.db")
    found = ends("sqlite:///link.db?shared=true", "redis://u:secret@h/0?prefix=x", {}, {})
    assert found.source == f"sqlite:///{tmp_path}/old.db"
    assert found.target == "redis://u:secret@h/0?prefix=x"
    assert found.origin == found.source


def test_an_environment_variable_may_hold_a_url() -> None:
    variables = {"OLD": "redis://u:secret@h/0", "NEW": "redis://u:secret@h/1"}
    found = ends("env:OLD", "env:NEW", {}, variables)
    assert (found.source, found.target) == tuple(variables.values())
    assert found.origin == "redis://h/0"


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("redis://me:secret@h/0", "redis://H/0", "FROM_URL and TO_URL are the same store"),
        ("sqlite:///none.db", "redis://h/0", "FROM_URL: there is no file /.*/none.db"),
        ("memory://", "redis://h/0", "FROM_URL: what memory:// holds ends with this command"),
        ("redis://h/0", "memory://", "TO_URL: what memory:// holds"),
        ("env:OLD", "redis://h/0", "FROM_URL: the environment variable 'OLD' is not set"),
        ("redis://h/0", "env:", "TO_URL: the environment variable '' is not set"),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, source: str, target: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        ends(source, target, {}, {"OLD": ""})
    assert "secret" not in str(caught.value)


def test_a_wrong_file_is_told() -> None:
    with pytest.raises(InvalidStoreUrl, match=r"must be sqlite:///RELATIVE"):
        ends("redis://h/0", "sqlite://x.db", {}, {})


def test_the_key_of_cosmos_may_be_in_a_file() -> None:
    found = ends("cosmos://h/db", "redis://h/0", {}, {"COSMOS_KEY": "secret"})
    assert found.source == "cosmos://:secret@h/db"
    assert found.origin == "cosmos://h/db"
