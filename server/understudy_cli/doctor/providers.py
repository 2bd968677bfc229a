"""Real calls to a provider of models that cost nothing: the list of its models, and a request without content."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any

from understudy_cli.doctor.answers import PATHS, judge
from understudy_cli.doctor.finding import Finding
from understudy_server.clock import Clock
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
    try:
        listed = await _list(upstream)
        asked = await _ask(upstream, PATHS[provider.dialect])
    finally:
        await upstream.close()
    return Answer(
        provider=provider.name,
        finding=judge(provider, listed, asked),
        offset=next(iter(offsets), None),
    )


async def _list(upstream: Upstream) -> int | UpstreamFailure:
    """How many models it offers."""
    try:
        return len(await upstream.model_names())
    except UpstreamFailure as failure:
        return failure


async def _ask(upstream: Upstream, path: str) -> UpstreamFailure | None:
    """What it says to a request that names no model and says nothing: whoever speaks the dialect complains of that."""
    try:
        async with upstream.post(path, b"{}"):
            return None
    except UpstreamFailure as failure:
        return failure


def _demo(what: str, *, is_default: bool) -> Finding:
    if is_default:
        return Finding(
            "warn",
            what,
            "answers come from the built-in demo: set OPENAI_API_KEY, or name a provider in the "
            "configuration file",
        )
    return Finding("ok", what, "built in")
