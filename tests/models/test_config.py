"""Reading the configuration: what it means, and how each mistake is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from understudy_server.models.config import OPENAI_URL, load_providers
from understudy_server.models.config_table import ConfigError
from understudy_server.models.provider import ModelsConfig, ProviderConfig
from understudy_server.models.retired import RETIRED

DEMO = ProviderConfig(name="demo", dialect="demo")
NO_USER = (
    "a user or password in the URL is not supported; set an Authorization header in the provider's "
    "headers"
)
LOCAL: dict[str, Any] = {"base_url": "http://127.0.0.1:8080/v1"}


def openai(**fields: Any) -> ProviderConfig:
    given = {"dialect": "responses", "base_url": OPENAI_URL} | fields
    return ProviderConfig(name="openai", **given)


@pytest.mark.parametrize(
    ("env", "provider"),
    [
        ({}, DEMO),
        ({"OPENAI_API_KEY": ""}, DEMO),
        ({"OPENAI_API_KEY": "k"}, openai(api_key="k")),
        (
            {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://here/v1"},
            openai(api_key="k", base_url="http://here/v1"),
        ),
        ({"OPENAI_BASE_URL": "http://here/v1"}, openai(base_url="http://here/v1")),
        (
            {"OPENAI_API_KEY": "k", "UNDERSTUDY_DIALECT": "chat"},
            openai(api_key="k", dialect="chat"),
        ),
        (
            {"OPENAI_API_KEY": "k", "OPENAI_ORG_ID": "o", "OPENAI_PROJECT_ID": "p"},
            openai(api_key="k", organization="o", project="p"),
        ),
    ],
)
def test_without_a_file(env: Mapping[str, str], provider: ProviderConfig) -> None:
    expected = ModelsConfig(providers=(provider,), default_provider=provider.name)
    assert load_providers({}, env) == expected


@pytest.mark.parametrize(
    ("toml", "env"),
    [
        ({"retired_models": "gpt-4o"}, {}),
        ({}, {"UNDERSTUDY_RETIRED_MODELS": "gpt-4o"}),
        ({"retired_models": "gpt-4o"}, {"UNDERSTUDY_RETIRED_MODELS": "another"}),
    ],
)
def test_retired_models_have_one_answer_when_it_is_named(
    toml: Mapping[str, Any], env: Mapping[str, str]
) -> None:
    assert load_providers(toml, env).aliases == dict.fromkeys(RETIRED, "gpt-4o")
    own = {"gpt-4-turbo-preview": "mine", "other": "gpt-4o-mini"}
    aliases = load_providers({**toml, "aliases": own}, env).aliases
    assert aliases == {**dict.fromkeys(RETIRED, "gpt-4o"), **own}


def test_otherwise_no_name_is_replaced() -> None:
    assert load_providers({}, {"UNDERSTUDY_RETIRED_MODELS": ""}).aliases == {}


def test_everything_that_a_file_can_say() -> None:
    toml = {
        "default_provider": "local",
        "providers": {
            "local": {
                "base_url": "http://127.0.0.1:8080/v1",
                "api_key_env": "LOCAL_KEY",
                "dialect": "chat",
                "organization": "o",
                "project": "p",
                "headers": {"x-a": "b"},
                "query": {"api-version": "1"},
                "context_window": 8192,
                "models": {"small": {"context_window": 4096}, "other": {}},
                "connect_timeout": 1,
                "stall_timeout": 2.5,
                "max_retries": 0,
                "reasoning_items": False,
                "max_tokens_field": "max_tokens",
            },
            "demo": {},
        },
        "aliases": {"gpt-4": "local/small"},
    }
    assert load_providers(toml, {"LOCAL_KEY": "k"}) == ModelsConfig(
        providers=(
            ProviderConfig(
                name="local",
                dialect="chat",
                base_url="http://127.0.0.1:8080/v1",
                api_key="k",
                organization="o",
                project="p",
                headers={"x-a": "b"},
                query={"api-version": "1"},
                context_window=8192,
                model_windows={"small": 4096},
                connect_timeout=1.0,
                stall_timeout=2.5,
                max_retries=0,
                reasoning_items=False,
                max_tokens_field="max_tokens",
            ),
            DEMO,
        ),
        default_provider="local",
        aliases={"gpt-4": "local/small"},
    )


def test_the_only_provider_is_the_default() -> None:
    config = load_providers({"providers": {"local": LOCAL}}, {"OPENAI_API_KEY": "k"})
    assert config.default_provider == "local"
    assert config.providers[0].api_key is None


def test_openai_knows_its_own_address_and_key() -> None:
    config = load_providers({"providers": {"openai": {}}}, {"OPENAI_API_KEY": "k"})
    assert config.providers == (openai(api_key="k"),)


def test_the_demo_can_be_asked_for_beside_a_key() -> None:
    config = load_providers({"default_provider": "demo"}, {"OPENAI_API_KEY": "k"})
    assert config.default_provider == "demo"
    assert config.providers == (openai(api_key="k"), DEMO)


def test_a_key_does_not_show() -> None:
    config = ProviderConfig(name="a", dialect="chat", api_key="hunter2", headers={"k": "hunter2"})
    assert "hunter2" not in repr(config)


def provider(**fields: Any) -> dict[str, Any]:
    return {"providers": {"a": LOCAL | fields}}


@pytest.mark.parametrize(
    ("toml", "env", "message"),
    [
        ({"provider": {}}, {}, "provider: unknown key"),
        ({"providers": 7}, {}, "providers: expected a table"),
        ({"providers": {"a": 7}}, {}, "providers.a: expected a table"),
        (
            {"providers": {"a/b": LOCAL}},
            {},
            "providers.a/b: a provider's name is not empty and has no slash",
        ),
        ({"providers": {"a": {}}}, {}, "providers.a.base_url: missing"),
        (provider(base_url="here"), {}, "providers.a.base_url: 'here' is no http(s) URL"),
        (
            provider(base_url="https://user:pw@host/v1"),
            {},
            f"providers.a.base_url: {NO_USER}",
        ),
        (
            provider(base_url="https://user@host"),
            {},
            f"providers.a.base_url: {NO_USER}",
        ),
        (
            provider(base_url="user:pw@host/v1"),
            {},
            "providers.a.base_url: '***@host/v1' is no http(s) URL",
        ),
        (
            {},
            {"OPENAI_BASE_URL": "http://user:p@w@host/v1"},
            f"OPENAI_BASE_URL: {NO_USER}",
        ),
        (
            {"providers": {"openai": {}}},
            {"OPENAI_BASE_URL": "here"},
            "OPENAI_BASE_URL: 'here' is no http(s) URL",
        ),
        (provider(base_url=7), {}, "providers.a.base_url: expected a text that is not empty"),
        (provider(api_key="k"), {}, "providers.a.api_key: unknown key"),
        (provider(api_key_env="K"), {}, "providers.a.api_key_env: the variable K is not set"),
        (
            provider(dialect="soap"),
            {},
            "providers.a.dialect: 'soap' is not one of responses, chat, demo",
        ),
        (
            provider(context_window=0),
            {},
            "providers.a.context_window: expected a whole number of at least 1",
        ),
        (
            provider(context_window=True),
            {},
            "providers.a.context_window: expected a whole number of at least 1",
        ),
        (
            provider(max_retries=-1),
            {},
            "providers.a.max_retries: expected a whole number of at least 0",
        ),
        (
            provider(stall_timeout=0),
            {},
            "providers.a.stall_timeout: expected a number of seconds above zero",
        ),
        (provider(reasoning_items="no"), {}, "providers.a.reasoning_items: expected true or false"),
        (
            provider(headers={"x": 1}),
            {},
            "providers.a.headers.x: expected a text that is not empty",
        ),
        (
            provider(models={"m": {"window": 1}}),
            {},
            "providers.a.models.m.window: unknown key",
        ),
        ({"aliases": {"a": ""}}, {}, "aliases.a: expected a text that is not empty"),
        ({"retired_models": ""}, {}, "retired_models: expected a text that is not empty"),
        ({"default_provider": "b"} | provider(), {}, "default_provider: 'b' is not one of a"),
        (
            {"providers": {"a": LOCAL, "b": LOCAL}},
            {},
            "default_provider: must name one of a, b",
        ),
        (
            {},
            {"OPENAI_API_KEY": "k", "UNDERSTUDY_DIALECT": "soap"},
            "UNDERSTUDY_DIALECT: 'soap' is not one of responses, chat",
        ),
    ],
)
def test_mistakes(toml: Mapping[str, Any], env: Mapping[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_providers(toml, env)
    assert str(caught.value) == message
