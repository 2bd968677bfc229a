"""What the names of older façades mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy_cli.configuration import load
from understudy_cli.older_names import store_of, with_key
from understudy_cli.resolving import resolve
from understudy_cli.setting import SettingsError

COSMOS = {
    "DATABASE_PROVIDER": "cosmos",
    "COSMOS_ENDPOINT": "https://shop.documents.azure.com:443/",
    "COSMOS_KEY": "a/b+c==",
}


@pytest.mark.parametrize(
    ("variables", "store"),
    [
        ({}, None),
        ({"DATABASE_PROVIDER": ""}, None),
        ({"REDIS_URL": ""}, None),
        ({"REDIS_URL": "redis://localhost:6379"}, "redis://localhost:6379"),
        ({"DATABASE_PROVIDER": "redis", "REDIS_URL": "rediss://u:p@h:1/2"}, "rediss://u:p@h:1/2"),
        ({"DATABASE_PROVIDER": " Redis ", "REDIS_URL": " redis://h "}, "redis://h"),
        (
            {"DATABASE_PROVIDER": "redis", "REDIS_URL": "redis+cluster://h:7000"},
            "redis+cluster://h:7000",
        ),
        ({"DATABASE_PROVIDER": "memory", "REDIS_URL": "redis://h"}, "memory://"),
        ({"DATABASE_PROVIDER": "sqlite", "REDIS_URL": "redis://h"}, None),
        # The account alone means nothing: those façades would use Redis.
        ({k: v for k, v in COSMOS.items() if k != "DATABASE_PROVIDER"}, None),
        (COSMOS, "cosmos://shop.documents.azure.com:443/assistants-api"),
        (
            {**COSMOS, "DATABASE_PROVIDER": "cosmosdb"},
            "cosmos://shop.documents.azure.com:443/assistants-api",
        ),
        (
            {**COSMOS, "COSMOS_DATABASE_ID": "my db"},
            "cosmos://shop.documents.azure.com:443/my%20db",
        ),
        (
            {**COSMOS, "COSMOS_ENDPOINT": "https://shop.example"},
            "cosmos://shop.example:443/assistants-api",
        ),
        (
            {**COSMOS, "COSMOS_ENDPOINT": "http://localhost:8081/"},
            "cosmos://localhost:8081/assistants-api?tls=false",
        ),
    ],
)
def test_what_they_mean(variables: dict[str, str], store: str | None) -> None:
    assert store_of(variables) == store


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {"DATABASE_PROVIDER": "mongo"},
            "DATABASE_PROVIDER: 'mongo' is none of redis, cosmos, sqlite",
        ),
        ({"DATABASE_PROVIDER": "redis"}, "REDIS_URL: is not set, and DATABASE_PROVIDER=redis"),
        ({"DATABASE_PROVIDER": "redis", "REDIS_URL": " "}, "REDIS_URL: is not set"),
        ({"REDIS_URL": "user:secret@host:6379"}, "REDIS_URL: must begin with redis://"),
        ({"REDIS_URL": "https://user:secret@host"}, "REDIS_URL: must begin with redis://"),
        ({"DATABASE_PROVIDER": "cosmos"}, "COSMOS_ENDPOINT: is not set"),
        ({**COSMOS, "COSMOS_KEY": ""}, "COSMOS_KEY: is not set, and DATABASE_PROVIDER=cosmos"),
        (
            {**COSMOS, "COSMOS_ENDPOINT": "shop"},
            "COSMOS_ENDPOINT: 'shop' is not like https://ACCOUNT",
        ),
        ({**COSMOS, "COSMOS_ENDPOINT": "https://h:x/"}, "COSMOS_ENDPOINT: 'https://h:x/' is not"),
        ({**COSMOS, "COSMOS_ENDPOINT": "https://h/db"}, "COSMOS_ENDPOINT: 'https://h/db' is not"),
        (
            {**COSMOS, "COSMOS_ENDPOINT": "https://:secret@h/"},
            "COSMOS_ENDPOINT: must be an address",
        ),
        ({**COSMOS, "COSMOS_ENDPOINT": "http://shop.example/"}, "COSMOS_ENDPOINT: http is only"),
    ],
)
def test_what_is_wrong_is_named(variables: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        store_of(variables)
    assert "secret" not in str(caught.value)
    with pytest.raises(SettingsError, match=words):
        resolve({}, variables, {})


def test_names_of_our_own_win() -> None:
    older = {"DATABASE_PROVIDER": "memory"}
    wrong = {"DATABASE_PROVIDER": "mongo"}
    mine = "redis://mine"
    assert resolve({}, older, {})["store"] == "memory://"
    for names in (older, wrong):
        assert resolve({"store": mine}, names, {})["store"] == mine
        assert resolve({}, {**names, "UNDERSTUDY_STORE": mine}, {})["store"] == mine
        assert resolve({}, names, {"store": mine})["store"] == mine


@pytest.mark.parametrize(
    ("url", "environment", "variables", "whole"),
    [
        ("cosmos://h/db", {}, {"COSMOS_KEY": "a/b+c=="}, "cosmos://:a%2Fb%2Bc%3D%3D@h/db"),
        ("cosmos://h/db", {"COSMOS_KEY": "k"}, {"COSMOS_KEY": "k"}, "cosmos://h/db"),
        ("cosmos://:mine@h/db", {}, {"COSMOS_KEY": "k"}, "cosmos://:mine@h/db"),
        ("cosmos://h/db?key_env=K", {}, {"COSMOS_KEY": "k"}, "cosmos://h/db?key_env=K"),
        ("cosmos://h/db?key_env=K", {}, {"K": "k"}, "cosmos://:k@h/db?key_env=K"),
        ("cosmos://h/db", {}, {}, "cosmos://h/db"),
        ("redis://h/0", {}, {"COSMOS_KEY": "k"}, "redis://h/0"),
    ],
)
def test_a_key_in_a_file_reaches_the_store(
    url: str, environment: dict[str, str], variables: dict[str, str], whole: str
) -> None:
    assert with_key(url, environment, variables) == whole


def test_an_env_file_of_before(tmp_path: Path) -> None:
    lines = [f"{name}={value}" for name, value in COSMOS.items()]
    (tmp_path / ".env").write_text("\n".join([*lines, "PORT=4000", "OPENAI_API_KEY=sk-x"]))
    loaded = load({}, {}, tmp_path)
    assert loaded.values["port"] == 4000
    assert loaded.core.models.default_provider == "openai"
    assert loaded.core.store == (
        "cosmos://:a%2Fb%2Bc%3D%3D@shop.documents.azure.com:443/assistants-api"
    )
    told = load({}, {"DATABASE_PROVIDER": "redis", "REDIS_URL": "redis://h"}, tmp_path)
    assert told.core.store == "redis://h"
