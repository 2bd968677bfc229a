"""What a provider's answers mean, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from understudy_cli.doctor.finding import Finding, Level
from understudy_server.models.complaints import scrub
from understudy_server.models.failure import UpstreamFailure
from understudy_server.models.provider import ProviderConfig

PATHS: Mapping[str, str] = {"responses": "/responses", "chat": "/chat/completions"}
_OTHER = {"responses": "chat", "chat": "responses"}


def judge(
    provider: ProviderConfig, listed: int | UpstreamFailure, asked: UpstreamFailure | None
) -> Finding:
    """``listed``: how many models it offers; ``asked``: its complaint of a request without content, if it had one."""
    what, url = f"model {provider.name}", provider.base_url
    for answer in (asked, listed):
        if isinstance(answer, UpstreamFailure) and (words := _hopeless(provider, answer)):
            return Finding("FAIL", what, f"{url} {words}")
    level, words = _of_question(provider, listed, asked) if asked else ("ok", "")
    if words:
        return Finding(level, what, f"{url} {words}")
    if isinstance(listed, UpstreamFailure):
        words = f"speaks {provider.dialect}, and lists no models: {_said(provider, listed)}"
        return Finding("ok", what, f"{url} {words}")
    words = f"speaks {provider.dialect} and offers {listed} models"
    return Finding("ok" if listed else "warn", what, f"{url} {words}")


def _hopeless(provider: ProviderConfig, failure: UpstreamFailure) -> str | None:
    """Why nothing works, whichever of the two was asked; None when this failure does not tell."""
    said = _said(provider, failure)
    match failure.kind:
        case "unreachable":
            return f"cannot be reached: is base_url right, and that server running? {said}"
        case "dropped" | "stalled":
            return f"takes connections and does not answer. {said}"
        case _ if failure.status == 401:
            return f"answers {said} - {_about_the_key(provider)}"
        case _:
            return None


def _about_the_key(provider: ProviderConfig) -> str:
    if provider.api_key is not None:
        return "make a new key or correct it"
    variable = "OPENAI_API_KEY, or " if provider.name == "openai" else ""
    return f"it wants a key: set {variable}api_key_env"


def _of_question(
    provider: ProviderConfig, listed: int | UpstreamFailure, asked: UpstreamFailure
) -> tuple[Level, str]:
    """What the complaint of the empty question tells; nothing for the one that was hoped for."""
    said, lists = _said(provider, asked), not isinstance(listed, UpstreamFailure)
    status = asked.status or 0
    if status == 429:
        return "warn", f"answers {said} - a limit or a quota is used up; runs will fail too"
    if status == 403:
        return "FAIL", f"answers {said} - this key may not be used to ask for answers"
    if _is_unknown(asked):
        return "FAIL", _no_such_address(provider, listed, asked)
    if asked.kind == "malformed" and not lists:
        return "FAIL", f"answers, but not as a provider of models: is base_url right? {said}"
    if status >= 500 and not lists:
        return "FAIL", f"answers {said} - the provider has a problem; try again later"
    if status >= 500:
        # Some servers stumble over what others refuse.
        return "warn", f"offers {listed} models, and answers an empty request with {said}"
    return "ok", ""


def _is_unknown(asked: UpstreamFailure) -> bool:
    """Whether there is nothing at that address. A model that was not named may be told as not found, too."""
    about_a_model = "model" in f"{asked.code} {asked.message}".lower()
    return asked.status == 405 or (asked.status == 404 and not about_a_model)


def _no_such_address(
    provider: ProviderConfig, listed: int | UpstreamFailure, asked: UpstreamFailure
) -> str:
    path, said = PATHS[provider.dialect], _said(provider, asked)
    if isinstance(listed, UpstreamFailure):
        hint = "" if provider.base_url.rstrip("/").endswith("v1") else "; it may lack /v1"
        return f"has neither /models nor {path}: is base_url right{hint}? {said}"
    other = _OTHER[provider.dialect]
    return (
        f"offers {listed} models and does not speak {provider.dialect}: {path} answers {said} - "
        f'try dialect = "{other}"'
    )


def _said(provider: ProviderConfig, failure: UpstreamFailure) -> str:
    message = scrub(failure.message, [provider.api_key or "", *provider.headers.values()])
    if not failure.status or message.startswith(f"{failure.status}"):
        return message
    return f"{failure.status}: {message}"
