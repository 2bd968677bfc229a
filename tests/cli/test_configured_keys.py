"""Keys of the configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from understudy_cli.configuration import load
from understudy_cli.configured_keys import load_keys
from understudy_cli.setting import SettingsError
from understudy_server.config import ConfiguredKey
from understudy_server.limits.key_limits import KeyLimits
from understudy_server.models.config_table import ConfigError

VARIABLES = {"ONE": "sk-one", "TWO": "sk-two"}


def test_everything_that_can_be_said_of_a_key() -> None:
    given = {
        "key_env": "ONE",
        "project": "shop",
        "scopes": ["run", "read"],
        "requests_per_minute": 60,
        "concurrent_runs": 2,
        "tokens_per_day": 1_000,
        "models": ["a", "b"],
    }
    one, two = load_keys({"one": given, "two": {"key_env": "TWO"}}, VARIABLES)
    assert one == ConfiguredKey(
        key="sk-one",
        project="shop",
        scopes=("read", "run"),
        limits=KeyLimits(
            requests_per_minute=60, concurrent_runs=2, tokens_per_day=1_000, models=("a", "b")
        ),
    )
    assert two == ConfiguredKey(key="sk-two", project="default")
    assert "sk-" not in repr((one, two))


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"x": {}}, r"keys\.x\.key_env: must name"),
        ({"x": {"key_env": "NONE"}}, r"keys\.x\.key_env: NONE is not set"),
        ({"x": {"key_env": "ONE", "scopes": ["root"]}}, r"keys\.x\.scopes: .* 'root'"),
        ({"x": {"key_env": "ONE", "scopes": []}}, r"keys\.x\.scopes: expected a list"),
        ({"x": {"key_env": "ONE", "models": "a"}}, r"keys\.x\.models: expected a list"),
        ({"x": {"key_env": "ONE", "requests_per_minute": 0}}, "requests_per_minute: expected"),
        ({"x": {"key_env": "ONE", "expires": "30d"}}, r"keys\.x\.expires: unknown key"),
        ({"x": 1}, r"keys\.x: expected a table"),
        ({"x": {"key_env": "ONE"}, "y": {"key_env": "ONE"}}, "two of them are the same key"),
    ],
)
def test_a_mistake_is_named_with_its_place(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_keys(tables, VARIABLES)
    assert "sk-" not in str(caught.value)


def test_in_a_file(tmp_path: Path) -> None:
    config = tmp_path / "understudy.toml"
    config.write_text('[keys.one]\nkey_env = "ONE"\nconcurrent_runs = 1\n')
    (key,) = load({"config": str(config)}, VARIABLES, tmp_path).core.keys
    assert key.limits == KeyLimits(concurrent_runs=1)
    for text, message in (("keys = 1", "must be a table"), ("[keys.one]", "key_env")):
        config.write_text(text)
        with pytest.raises(SettingsError, match=message):
            load({"config": str(config)}, VARIABLES, tmp_path)
