"""Every setting, once: its names, its default, what it means. README's table is this one.

A value is looked for in this order: command line, environment (a `.env` file in the working folder counts as
environment), the `[server]` table of the configuration file, default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from understudy_cli.older_names import store_of
from understudy_edge.channel import parse_addresses

DEFAULT_STORE = "sqlite:///<data>/understudy.db"
"""Unless older names (``older_names``) mean another one."""


class SettingsError(ValueError):
    """A mistake in the configuration; the text names the setting and where it was found."""


Parse: TypeAlias = Callable[[str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    name: str
    """In the configuration file; the command line's flag is the same with hyphens, if it has one."""
    env: tuple[str, ...]
    default: str
    """As it would be written in the environment."""
    meaning: str
    parse: Parse = str
    flag: bool = False
    """Whether the command line has it too."""


def _integer(low: int, high: int) -> Parse:
    def parse(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError(f"not between {low} and {high}")
        return number

    return parse


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 86_400:
        raise ValueError("not between 0 and 86400 seconds")
    return number


def _time_limit(text: str) -> float:
    number = _seconds(text)
    if number == 0:
        raise ValueError("not above zero")
    return number


def _lease(text: str) -> float:
    number = _seconds(text)
    if number < 1:
        raise ValueError("below 1 second")
    return number


def _boolean(text: str) -> bool:
    try:
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
            text.lower()
        ]
    except KeyError:
        raise ValueError("neither true nor false") from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _one_of(*words: str) -> Parse:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"not one of {', '.join(words)}")
        return text

    return parse


def _keys(text: str) -> tuple[tuple[str, str], ...]:
    """`key` or `key:project`, comma-separated."""
    found = []
    for word in _words(text):
        key, _, project = word.partition(":")
        if not key:
            raise ValueError("a key is empty")
        found.append((key, project or "default"))
    return tuple(found)


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="host",
        env=("UNDERSTUDY_HOST",),
        default="127.0.0.1",
        meaning="Address of the REST face.",
        flag=True,
    ),
    Setting(
        name="port",
        env=("UNDERSTUDY_PORT", "PORT"),
        default="3500",
        meaning="Port of the REST face; 0 takes a free one.",
        parse=_integer(0, 65_535),
        flag=True,
    ),
    Setting(
        name="grpc",
        env=("UNDERSTUDY_GRPC",),
        default="127.0.0.1:50051",
        meaning="Where gRPC listens: `host:port`, `unix:/path`, or `off`.",
        flag=True,
    ),
    Setting(
        name="core",
        env=("UNDERSTUDY_CORE",),
        default="127.0.0.1:50051",
        meaning="`understudy edge` only: the core's address, or those of several, comma-separated; "
        "`unix:/path` and `dns:///name:port` are addresses too.",
        parse=parse_addresses,
        flag=True,
    ),
    Setting(
        name="data",
        env=("UNDERSTUDY_DATA",),
        default="~/.local/share/understudy",
        meaning="Folder of what the server keeps; made if missing, for its owner only.",
        parse=lambda text: Path(text).expanduser().absolute(),
    ),
    Setting(
        name="store",
        env=("UNDERSTUDY_STORE",),
        default=DEFAULT_STORE,
        meaning="URL of the [store](docs/stores.md): `sqlite:///relative/file`, `sqlite:////absolute/file`, "
        "`redis://host:6379/0`, `postgresql://user:password@host/database`, `cosmos://host/database`, "
        "`memory://`. With `?shared=true` at its end, several processes on one machine use one SQLite "
        "file.",
        flag=True,
    ),
    Setting(
        name="api_keys",
        env=("UNDERSTUDY_API_KEYS",),
        default="",
        meaning="Keys that are accepted besides those of `understudy keys`: `key` or `key:project`, "
        "comma-separated.",
        parse=_keys,
    ),
    Setting(
        name="no_auth",
        env=("UNDERSTUDY_NO_AUTH",),
        default="false",
        meaning="Ask nobody for a key; everybody is the project `default`.",
        parse=_boolean,
        flag=True,
    ),
    Setting(
        name="workers",
        env=("UNDERSTUDY_WORKERS",),
        default="1",
        meaning="Processes, of `understudy serve` and `understudy core`, that [share the work]"
        "(#run-it-for-many). Each has a gRPC port of its own, from that of `UNDERSTUDY_GRPC` upwards.",
        parse=_integer(1, 256),
        flag=True,
    ),
    Setting(
        name="concurrent_runs",
        env=("UNDERSTUDY_CONCURRENT_RUNS",),
        default="256",
        meaning="Runs at work at a time; more of them wait as `queued`.",
        parse=_integer(1, 100_000),
    ),
    Setting(
        name="lease",
        env=("UNDERSTUDY_LEASE",),
        default="15",
        meaning="Seconds without a sign of life after which another core takes over a run.",
        parse=_lease,
    ),
    Setting(
        name="grace",
        env=("UNDERSTUDY_GRACE",),
        default="20",
        meaning="Seconds that requests and runs get to finish when the server stops.",
        parse=_seconds,
    ),
    Setting(
        name="unavailable_tools",
        env=("UNDERSTUDY_UNAVAILABLE_TOOLS",),
        default="refuse",
        meaning="A run that needs `code_interpreter` or `file_search`: `refuse` it, or `ignore` the tool "
        "(a warning is logged).",
        parse=_one_of("refuse", "ignore"),
    ),
    Setting(
        name="functions",
        env=("UNDERSTUDY_FUNCTIONS",),
        default="",
        meaning="Python module, in the working folder or installed, with [functions](docs/functions.md) "
        "that the server runs itself.",
    ),
    Setting(
        name="function_timeout",
        env=("UNDERSTUDY_FUNCTION_TIMEOUT",),
        default="30",
        meaning="Seconds for one call of such a function that sets no limit of its own.",
        parse=_time_limit,
    ),
    Setting(
        name="keep_model_requests",
        env=("UNDERSTUDY_KEEP_MODEL_REQUESTS",),
        default="false",
        meaning="Keep with each run step [what its model was sent](#what-the-model-was-sent), until its thread is "
        "deleted. Each request repeats the conversation, so this takes room.",
        parse=_boolean,
    ),
    Setting(
        name="body_limit",
        env=("UNDERSTUDY_BODY_LIMIT",),
        default="8388608",
        meaning="Bytes of a request body.",
        parse=_integer(1_024, 1_073_741_824),
    ),
    Setting(
        name="request_timeout",
        env=("UNDERSTUDY_REQUEST_TIMEOUT",),
        default="60",
        meaning="Seconds for a request that is not a stream.",
        parse=_seconds,
    ),
    Setting(
        name="heartbeat",
        env=("UNDERSTUDY_HEARTBEAT",),
        default="15",
        meaning="Seconds of silence after which a stream gets a comment that keeps it open.",
        parse=_seconds,
    ),
    Setting(
        name="resume",
        env=("UNDERSTUDY_RESUME",),
        default="30",
        meaning="Seconds for which the edge tries to go on with a stream whose core went away.",
        parse=_seconds,
    ),
    Setting(
        name="retry",
        env=("UNDERSTUDY_RETRY",),
        default="5",
        meaning="Seconds for which the edge waits for a core that is there, and repeats a call whose core went "
        "away where that is safe; 0 for never.",
        parse=_seconds,
    ),
    Setting(
        name="keepalive",
        env=("UNDERSTUDY_KEEPALIVE",),
        default="10",
        meaning="Seconds of silence after which the edge asks a core for a sign of life ...",
        parse=_time_limit,
    ),
    Setting(
        name="keepalive_timeout",
        env=("UNDERSTUDY_KEEPALIVE_TIMEOUT",),
        default="5",
        meaning="... and seconds without one after which the core counts as gone.",
        parse=_time_limit,
    ),
    Setting(
        name="poll_after_ms",
        env=("UNDERSTUDY_POLL_AFTER_MS",),
        default="300",
        meaning="Milliseconds between two requests of a polling SDK helper.",
        parse=_integer(1, 60_000),
    ),
    Setting(
        name="event_ids",
        env=("UNDERSTUDY_EVENT_IDS",),
        default="true",
        meaning="Whether streamed events carry an `id:` line, by which a client can resume.",
        parse=_boolean,
    ),
    Setting(
        name="cors_origins",
        env=("UNDERSTUDY_CORS_ORIGINS",),
        default="",
        meaning="Origins of web pages that may call from a browser, comma-separated; `*` for all.",
        parse=_words,
    ),
    Setting(
        name="cors_methods",
        env=("UNDERSTUDY_CORS_METHODS",),
        default="GET,POST,DELETE",
        meaning="Methods that such pages may use.",
        parse=_words,
    ),
    Setting(
        name="log_level",
        env=("UNDERSTUDY_LOG_LEVEL",),
        default="info",
        meaning="`debug`, `info`, `warning` or `error`.",
        parse=_one_of("debug", "info", "warning", "error"),
    ),
    Setting(
        name="log_format",
        env=("UNDERSTUDY_LOG_FORMAT",),
        default="auto",
        meaning="`json`, `text`, or `auto`: text on a terminal.",
        parse=_one_of("auto", "json", "text"),
    ),
)


def resolve(
    flags: Mapping[str, str | None], environment: Mapping[str, str], table: Mapping[str, Any]
) -> dict[str, Any]:
    """Every setting's value by its name. Raises ``SettingsError``, also for an unknown key of ``table``."""
    known = {setting.name for setting in SETTINGS}
    for key in table:
        if key not in known:
            raise SettingsError(f"[server] {key}: no such setting")
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text, origin = _find(setting, flags, environment, table)
        try:
            values[setting.name] = setting.parse(text)
        except ValueError as error:
            # A key must not be printed, not even one that is written wrongly.
            shown = "" if setting.name == "api_keys" else f" '{text}'"
            raise SettingsError(f"{origin}:{shown} is wrong: {error}") from None
    if values["store"] == DEFAULT_STORE:
        values["store"] = _older(environment) or f"sqlite:///{values['data']}/understudy.db"
    return values


def _older(environment: Mapping[str, str]) -> str | None:
    try:
        return store_of(environment)
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _find(
    setting: Setting,
    flags: Mapping[str, str | None],
    environment: Mapping[str, str],
    table: Mapping[str, Any],
) -> tuple[str, str]:
    flag = flags.get(setting.name)
    if flag is not None:
        return flag, f"--{setting.name.replace('_', '-')}"
    for name in setting.env:
        # Set to nothing counts as not set, as everywhere in shells and .env files.
        if environment.get(name):
            return environment[name], name
    if setting.name in table:
        return _text(table[setting.name]), f"[server] {setting.name}"
    return setting.default, setting.name


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)
