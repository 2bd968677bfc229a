"""Understudy over gRPC: ``connect`` to a core, ``follow`` a run.

The generated messages and stubs live in ``understudy.v1``.
"""

from understudy._version import __version__
from understudy.client import Client, Tls, connect
from understudy.follow import follow

__all__ = ["Client", "Tls", "__version__", "connect", "follow"]
