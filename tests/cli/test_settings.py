"""Settings: where each value comes from, and what a mistake is told."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from understudy_cli.configuration import load, with_functions
from understudy_cli.readme import settings_table
from understudy_cli.resolving import resolve
from understudy_cli.setting import SettingsError
from understudy_cli.settings import SETTINGS

README = Path(__file__).parent.parent.parent / "README.md"


def test_the_first_place_that_has_a_value_wins() -> None:
    table = {"port": 1}
    assert resolve({}, {}, {})["port"] == 3500
    assert resolve({}, {}, table)["port"] == 1
    assert resolve({}, {"PORT": "2"}, table)["port"] == 2
    assert resolve({}, {"PORT": "2", "UNDERSTUDY_PORT": "3"}, table)["port"] == 3
    assert resolve({"port": "4"}, {"UNDERSTUDY_PORT": "3"}, table)["port"] == 4
    assert resolve({}, {"PORT": ""}, table)["port"] == 1


def test_the_store_is_in_the_data_folder_unless_it_is_named(tmp_path: Path) -> None:
    here = {"UNDERSTUDY_DATA": str(tmp_path)}
    assert resolve({}, here, {})["store"] == f"sqlite:///{tmp_path}/understudy.db"
    assert resolve({"store": "memory://"}, here, {})["store"] == "memory://"


def test_several_workers_share_the_store_whatever_the_command(tmp_path: Path) -> None:
    several = {"UNDERSTUDY_WORKERS": "2", "UNDERSTUDY_STORE": "sqlite:///a.db"}
    assert load({}, several, tmp_path).core.store == "sqlite:///a.db?shared=true"
    assert load({"workers": "1"}, several, tmp_path).core.store == "sqlite:///a.db"
    with pytest.raises(SettingsError, match="2 processes cannot share memory://"):
        load({"store": "memory://"}, several, tmp_path)


def test_keys_have_a_project() -> None:
    values = resolve({}, {"UNDERSTUDY_API_KEYS": "one, two:shop"}, {})
    assert values["api_keys"] == (("one", "default"), ("two", "shop"))


@pytest.mark.parametrize(
    ("flags", "environment", "table", "message"),
    [
        ({"port": "x"}, {}, {}, "--port: 'x' is wrong"),
        ({"port": "70000"}, {}, {}, "--port: '70000' is wrong: not between 0 and 65535"),
        ({"workers": "0"}, {}, {}, "--workers: '0' is wrong: not between 1 and 256"),
        ({}, {"UNDERSTUDY_NO_AUTH": "maybe"}, {}, "UNDERSTUDY_NO_AUTH: 'maybe' is wrong"),
        ({}, {}, {"log_level": "loud"}, r"\[server\] log_level: 'loud' is wrong"),
        ({}, {}, {"prot": 1}, r"\[server\] prot: no such setting"),
        ({}, {"UNDERSTUDY_FUNCTION_TIMEOUT": "0"}, {}, "UNDERSTUDY_FUNCTION_TIMEOUT: .0. is wrong"),
        ({}, {"UNDERSTUDY_HEARTBEAT": "-1"}, {}, "UNDERSTUDY_HEARTBEAT: '-1' is wrong"),
    ],
)
def test_a_mistake_names_the_setting_and_its_place(
    flags: dict[str, str | None],
    environment: dict[str, str],
    table: dict[str, object],
    message: str,
) -> None:
    with pytest.raises(SettingsError, match=message):
        resolve(flags, environment, table)


def test_a_wrong_key_is_not_printed() -> None:
    with pytest.raises(SettingsError) as caught:
        resolve({}, {"UNDERSTUDY_API_KEYS": ":secret"}, {})
    assert "secret" not in str(caught.value)


def test_files_are_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=4000\nOPENAI_API_KEY=sk-x\n")
    config = tmp_path / "understudy.toml"
    config.write_text('[server]\npoll_after_ms = 50\ncors_origins = ["https://a.example"]\n')
    loaded = load({"config": str(config)}, {}, tmp_path)
    assert loaded.values["port"] == 4000
    assert loaded.edge.poll_after_ms == 50
    assert loaded.edge.cors.origins == ("https://a.example",)
    assert loaded.core.models.default_provider == "openai"
    assert load({}, {"PORT": "5"}, tmp_path).values["port"] == 5


def test_what_is_said_of_cores_that_go_away_reaches_both_halves(tmp_path: Path) -> None:
    given = {"RETRY": "1", "RESUME": "2", "LEASE": "3", "KEEPALIVE": "4", "KEEPALIVE_TIMEOUT": "5"}
    loaded = load({}, {f"UNDERSTUDY_{name}": value for name, value in given.items()}, tmp_path)
    assert (loaded.edge.retry_seconds, loaded.edge.resume_seconds) == (1, 2)
    assert loaded.core.lease == 3
    assert (loaded.values["keepalive"], loaded.values["keepalive_timeout"]) == (4, 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[server", "is not TOML"),
        ("server = 1", "must be a table"),
        ("[provider]", "provider"),
        ('[providers.x]\ndialect = "soap"', "dialect"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, text: str, message: str) -> None:
    config = tmp_path / "c.toml"
    config.write_text(text)
    with pytest.raises(SettingsError, match=message):
        load({"config": str(config)}, {}, tmp_path)
    with pytest.raises(SettingsError, match="cannot be read"):
        load({"config": str(tmp_path / "none")}, {}, tmp_path)


def test_readme_shows_this_table() -> None:
    shown = re.search(
        r"<!-- settings: begin -->\n(.*?)<!-- settings: end -->",
        README.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert shown is not None
    assert shown[1] == settings_table(), "run: python -m understudy_cli.readme README.md"


def test_names_are_unique() -> None:
    names = [name for setting in SETTINGS for name in setting.env]
    assert len(names) == len(set(names))


def test_functions_are_imported_for_the_commands_that_run_them(tmp_path: Path) -> None:
    source = "from understudy_server.tools import function\n@function(timeout=1)\ndef f(): ...\n"
    (tmp_path / "functions_of_a_setting.py").write_text(source)
    named = {"UNDERSTUDY_FUNCTIONS": "functions_of_a_setting"}
    before = list(sys.path)
    try:
        loaded = load({}, named, tmp_path)
        assert loaded.core.functions is None
        functions = with_functions(loaded, tmp_path).core.functions
        assert functions is not None
        assert functions.names() == {"f"}
        with pytest.raises(SettingsError, match="functions: there is no module nowhere"):
            with_functions(load({}, {"UNDERSTUDY_FUNCTIONS": "nowhere"}, tmp_path), tmp_path)
    finally:
        sys.path[:] = before
    nothing = load({}, {}, tmp_path)
    assert with_functions(nothing, tmp_path) is nothing
