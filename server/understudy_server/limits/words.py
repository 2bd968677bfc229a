"""What is said about limits and scopes, after OpenAI's words."""

from __future__ import annotations

from understudy_server.limits.windows import duration


def missing_scope(scope: str) -> str:
    return (
        "You have insufficient permissions for this operation."
        f" Missing scopes: {scope}. Check that the API key has the necessary scopes."
    )


def model_not_allowed(project: str, model: str) -> str:
    return f"Project `{project}` does not have access to model `{model}`"


def requests_used_up(project: str, limit: int, retry_after: float) -> str:
    return _reached("requests", project, "requests per min (RPM)", limit, limit, retry_after)


def runs_used_up(project: str, limit: int, used: int, retry_after: float) -> str:
    return _reached("runs", project, "concurrent runs", limit, used, retry_after)


def tokens_used_up(project: str, limit: int, used: int, retry_after: float) -> str:
    return _reached("tokens", project, "tokens per day (TPD)", limit, used, retry_after)


def _reached(what: str, project: str, unit: str, limit: int, used: int, retry_after: float) -> str:
    return (
        f"Rate limit reached for {what} in project {project} on {unit}:"
        f" Limit {limit}, Used {used}. Please try again in {duration(retry_after)}."
    )
