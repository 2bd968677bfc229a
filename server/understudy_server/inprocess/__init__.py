"""gRPC inside one process: stubs, interceptors, errors and cancellation, without a socket."""

from understudy_server.inprocess.channel import InProcessChannel
from understudy_server.inprocess.server import InProcessServer

__all__ = ["InProcessChannel", "InProcessServer"]
