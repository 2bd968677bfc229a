"""Where a request goes, as it may be shown. Pure."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from understudy_server.models.complaints import scrub


def shown_url(base_url: str, path: str, secrets: Collection[str]) -> str | None:
    """The URL of ``path`` without user, password, query and ``secrets``; None if ``base_url`` is no URL."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    host = f"[{host}]" if ":" in host else host
    place = host if port is None else f"{host}:{port}"
    return scrub(f"{parts.scheme}://{place}{parts.path.rstrip('/')}{path}", secrets)
