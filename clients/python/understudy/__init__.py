"""Understudy's contract in Python: the generated messages and stubs live in ``understudy.v1``."""

from understudy._version import __version__

__all__ = ["__version__"]
