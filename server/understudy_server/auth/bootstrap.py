"""The first key of a new server."""

from __future__ import annotations

from collections.abc import Mapping

from understudy_server.auth.keys import DEFAULT_PROJECT, ApiKeys


async def bootstrap(keys: ApiKeys, environment: Mapping[str, str]) -> str | None:
    """Make a key for the default project when there is none at all; returns its text to be shown.

    A store in which every key was revoked gets none: somebody closed that server. Two servers that
    start at once on an empty store may each make one; both are good.
    """
    if environment or await keys.list():
        return None
    text, _ = await keys.create(DEFAULT_PROJECT, "first key")
    return text
