"""Understudy's core: the Assistants API as a gRPC service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from understudy_server.config import CoreConfig
    from understudy_server.local import local

__all__ = ["CoreConfig", "local"]


def __getattr__(name: str) -> Any:
    """Loaded when first asked for: whoever needs one room should not wait for the whole core."""
    if name == "CoreConfig":
        from understudy_server.config import CoreConfig  # noqa: PLC0415  # see above

        return CoreConfig
    if name == "local":
        from understudy_server.local import local  # noqa: PLC0415  # see above

        return local
    raise AttributeError(name)
