"""Functions that the server runs for a model. A module of functions needs only what is here."""

from __future__ import annotations

from understudy_server.tools.decorator import function
from understudy_server.tools.port import CallContext

__all__ = ["CallContext", "function"]
