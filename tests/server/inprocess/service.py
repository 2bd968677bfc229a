"""A service whose handlers a test gives, and stubs for it: ``Text`` in, ``Text`` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf.wrappers_pb2 import StringValue as Text
from grpc import aio

SERVICE = "tests.Service"

_BUILD = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def register(server: aio.Server, behaviours: Mapping[str, Callable[..., Any]]) -> None:
    """Add handlers as generated code does. A name says its kind: ``unary_stream_count``."""
    handlers = {}
    for name, behaviour in behaviours.items():
        kinds = name.split("_")[:2]
        build = _BUILD[kinds[0] == "stream", kinds[1] == "stream"]
        handlers[name] = build(behaviour, Text.FromString, Text.SerializeToString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_registered_method_handlers(SERVICE, handlers)


def stub(channel: aio.Channel, name: str) -> Any:
    """The multicallable of one method, made as generated stubs make it."""
    make = getattr(channel, "_".join(name.split("_")[:2]))
    return make(
        f"/{SERVICE}/{name}",
        request_serializer=Text.SerializeToString,
        response_deserializer=Text.FromString,
        _registered_method=True,
    )
