"""One real call to a provider of models: the list of its models, which costs nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any

from understudy_cli.doctor.finding import Finding
from understudy_server.clock import Clock
from understudy_server.models.complaints import scrub
from understudy_server.models.failure import UpstreamFailure
from understudy_server.models.provider import ProviderConfig
from understudy_server.models.upstream import Upstream, open_http_client

_CONNECT = 5.0
_ANSWER = 15.0
"""Seconds. A person waits for this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    provider: str
    finding: Finding
    offset: float | None = None
    """By how many seconds the provider's clock is ahead of ours; None if it did not say."""


async def examine(provider: ProviderConfig, *, is_default: bool, clock: Clock) -> Answer:
    what = f"model {provider.name}"
    if provider.dialect == "demo":
        return Answer(provider=provider.name, finding=_demo(what, is_default=is_default))
    patient = replace(
        provider,
        connect_timeout=min(provider.connect_timeout, _CONNECT),
        stall_timeout=min(provider.stall_timeout, _ANSWER),
    )
    offsets: list[float] = []

    async def look_at_date(response: Any) -> None:
        with suppress(ValueError):
            theirs = parsedate_to_datetime(response.headers.get("date", ""))
            offsets.append(theirs.timestamp() - clock.wall() / 1e6)

    client = open_http_client(patient)
    client.event_hooks = {"response": [look_at_date]}
    upstream = Upstream(patient, client)
    began = clock.monotonic()
    try:
        names = await upstream.model_names()
    except UpstreamFailure as failure:
        finding = judge(provider, failure)
    else:
        milliseconds = (clock.monotonic() - began) * 1_000
        words = f"{provider.base_url} offers {len(names)} models ({milliseconds:.0f} ms)"
        finding = Finding("ok" if names else "warn", what, words)
    finally:
        await upstream.close()
    return Answer(provider=provider.name, finding=finding, offset=next(iter(offsets), None))


def _demo(what: str, *, is_default: bool) -> Finding:
    if is_default:
        return Finding(
            "warn",
            what,
            "answers come from the built-in demo: set OPENAI_API_KEY, or name a provider in the "
            "configuration file",
        )
    return Finding("ok", what, "built in")


def judge(provider: ProviderConfig, failure: UpstreamFailure) -> Finding:
    """What a failed list of models means, and what to do. Pure."""
    url, what = provider.base_url, f"model {provider.name}"
    detail = scrub(failure.message, [provider.api_key or "", *provider.headers.values()])
    match failure.kind:
        case "unreachable":
            words = f"no connection to {url}: is base_url right, and that server running?"
            return Finding("FAIL", what, f"{words} {detail}")
        case "dropped" | "stalled":
            return Finding("FAIL", what, f"{url} takes connections and does not answer. {detail}")
        case "malformed":
            words = "answers, but not with a list of models: is base_url right?"
            return Finding("FAIL", what, f"{url} {words} {detail}")
        case "refused":
            return _refused(what, url, failure.status or 0, detail, key=bool(provider.api_key))


def _refused(what: str, url: str, status: int, detail: str, *, key: bool) -> Finding:
    said = f"{url} answers {status}: {detail}"
    if status == 401:
        advice = "make a new key or correct it" if key else "it wants a key: set api_key_env"
        return Finding("FAIL", what, f"{said} - {advice}")
    if status == 429:
        return Finding("warn", what, f"{said} - a limit or a quota is used up; runs will fail too")
    if status >= 500:
        return Finding("FAIL", what, f"{said} - the provider has a problem; try again later")
    hint = "; base_url may lack /v1" if status == 404 and not url.rstrip("/").endswith("v1") else ""
    return Finding(
        "warn",
        what,
        f"{said} - it lists no models{hint}. Nothing more was tried: without a model's name no "
        "completion can be asked for",
    )
