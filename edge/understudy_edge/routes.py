"""From ``google.api.http`` rules to routes, once, when the process starts.

The contract is the only list of operations: every method with a rule becomes a route or the unary or
streaming half of one. What cannot be served stops the start with an error that names the owners.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from understudy.wire.v1 import wire_pb2
from understudy_edge.templates import BadTemplate, Segment, Variable, parse_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.descriptor import ServiceDescriptor

_VERBS: Final = ("get", "put", "post", "delete", "patch")


class BadRule(Exception):
    """A rule that cannot be served. The text names the methods that are at fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """How a form becomes the messages of a client stream."""

    part: str
    """The form's part that holds the bytes, which go into the field ``data`` of the messages."""
    metadata: Descriptor
    """The message of the form's other fields, which goes into the field ``metadata`` of one message."""

    @property
    def names_file(self) -> bool:
        """Whether the part's file name is wanted; it goes into ``filename`` of the metadata."""
        return "filename" in self.metadata.fields_by_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One verb on one path template, with everything that serving it needs to know."""

    verb: str
    template: str
    segments: tuple[Segment, ...]
    unary: MethodDescriptor | None
    """Answers with one JSON object."""
    streaming: MethodDescriptor | None
    """Answers with a stream of events. With both, the request's ``stream`` chooses."""
    download: MethodDescriptor | None = None
    """Answers with bytes."""
    upload: Upload | None = None
    """The unary half takes a stream, which comes as a form."""
    has_body: bool
    path_fields: tuple[str, ...]
    """In the order of the template."""
    query_fields: frozenset[str]
    header_fields: tuple[tuple[str, str], ...]
    """(field, header) pairs: bound from the header when the query does not have them."""
    beta: str
    """What the ``OpenAI-Beta`` header must list; empty: nothing."""
    polled: bool

    @property
    def method(self) -> MethodDescriptor:
        """The one that names the operation: the unary half, if there is one."""
        method = self.unary or self.streaming or self.download
        if method is None:
            raise BadRule(f"{self.verb} {self.template} has no method")
        return method

    @property
    def request(self) -> Descriptor:
        """The message that path, query and body are bound to."""
        return self.method.input_type if self.upload is None else self.upload.metadata


def compile_routes(services: Iterable[ServiceDescriptor]) -> tuple[Route, ...]:
    """All routes of the services, twins joined. Raises ``BadRule``."""
    routes: dict[tuple[str, tuple[Segment | None, ...]], Route] = {}
    for service in services:
        for method in service.methods:
            for route in _routes_of(method):
                key = (route.verb, _shape(route.segments))
                taken = routes.get(key)
                routes[key] = route if taken is None else _join(taken, route)
    return tuple(routes.values())


def messages_of(routes: Iterable[Route]) -> set[Descriptor]:
    """All that comes and goes as JSON, a form's fields included."""
    found: set[Descriptor] = set()
    for route in routes:
        found.add(route.request)
        if route.download is None:
            found.add(route.method.output_type)
    return found


def _shape(segments: tuple[Segment, ...]) -> tuple[Segment | None, ...]:
    """Templates that differ only in the names of variables match the same paths."""
    return tuple(
        Variable("", rest=segment.rest) if isinstance(segment, Variable) else segment
        for segment in segments
    )


def _routes_of(method: MethodDescriptor) -> Iterator[Route]:
    options = method.GetOptions()
    if not options.HasExtension(annotations_pb2.http):
        return
    rule = options.Extensions[annotations_pb2.http]
    for each in (rule, *rule.additional_bindings):
        yield _route(method, each)


def _route(method: MethodDescriptor, rule: http_pb2.HttpRule) -> Route:
    owner = method.full_name
    verb = rule.WhichOneof("pattern")
    if verb not in _VERBS:
        raise BadRule(f"{owner}: its http rule has no verb that can be served")
    if rule.body not in ("", "*") or rule.response_body:
        raise BadRule(f'{owner}: only `body: "*"` is supported, and no `response_body`')
    wire = method.GetOptions().Extensions[wire_pb2.method]
    upload = _upload(method, wire.multipart)
    if method.client_streaming and (upload is None or not rule.body):
        raise BadRule(f"{owner}: a client stream has a body, and the option `multipart`")
    if wire.download:
        _require_download(method)
    try:
        segments = parse_template(getattr(rule, verb))
    except BadTemplate as error:
        raise BadRule(f"{owner}: {error}") from error
    request = method.input_type if upload is None else upload.metadata
    fields = request.fields_by_name
    path_fields = tuple(segment.name for segment in segments if isinstance(segment, Variable))
    for name in path_fields:
        if name not in fields:
            raise BadRule(f"{owner}: {request.full_name} has no field {name!r}")
        if fields[name].type != FieldDescriptor.TYPE_STRING or fields[name].is_repeated:
            raise BadRule(f"{owner}: the path variable {name!r} is not a string")
    query_fields = frozenset(
        name
        for name, field in fields.items()
        if name not in path_fields and (not rule.body or _wire(field).query)
    )
    service = method.containing_service.GetOptions().Extensions[wire_pb2.service]
    return Route(
        verb=verb.upper(),
        template=getattr(rule, verb),
        segments=segments,
        unary=None if method.server_streaming else method,
        streaming=method if method.server_streaming and not wire.download else None,
        download=method if wire.download else None,
        upload=upload,
        has_body=bool(rule.body),
        path_fields=path_fields,
        query_fields=query_fields,
        header_fields=tuple(
            (name, header) for name, field in fields.items() if (header := _wire(field).header)
        ),
        beta=service.beta,
        polled=wire.polled,
    )


def _upload(method: MethodDescriptor, part: str) -> Upload | None:
    if not part:
        return None
    fields = method.input_type.fields_by_name
    metadata, data = fields.get("metadata"), fields.get("data")
    if (
        not method.client_streaming
        or method.server_streaming
        or metadata is None
        or metadata.message_type is None
        or not _is_bytes(data)
    ):
        raise BadRule(f"{method.full_name}: `multipart` is for streams of `metadata` and `data`")
    return Upload(part=part, metadata=metadata.message_type)


def _require_download(method: MethodDescriptor) -> None:
    fields = method.output_type.fields_by_name
    file, data = fields.get("file"), fields.get("data")
    about = file.message_type.fields_by_name if file is not None and file.message_type else {}
    told = {"id", "bytes", "filename"} <= set(about)
    if not method.server_streaming or method.client_streaming or not told or not _is_bytes(data):
        raise BadRule(f"{method.full_name}: `download` is for streams of `file` and `data`")


def _is_bytes(field: FieldDescriptor | None) -> bool:
    return field is not None and field.type == FieldDescriptor.TYPE_BYTES


def _wire(field: FieldDescriptor) -> wire_pb2.FieldWire:
    return field.GetOptions().Extensions[wire_pb2.field]


def _join(taken: Route, route: Route) -> Route:
    """Streaming twins become one route; anything else is a clash."""
    owners = f"{taken.method.full_name} and {route.method.full_name}"
    where = f"{route.verb} {route.template}"
    halves = (taken.unary, route.streaming) if taken.unary else (route.unary, taken.streaming)
    if None in halves or (taken.streaming and taken.unary) or taken.upload or route.upload:
        raise BadRule(f"{where} is claimed by {owners}")
    if taken.request != route.request or taken.template != route.template:
        raise BadRule(f"{where}: {owners} are twins with different requests")
    stream = route.request.fields_by_name.get("stream")
    if stream is None or stream.type != FieldDescriptor.TYPE_BOOL:
        raise BadRule(f"{where}: {owners} are twins without a `bool stream` to choose by")
    if taken.has_body != route.has_body:
        raise BadRule(f"{where}: {owners} are twins, but only one takes a body")
    return Route(
        verb=route.verb,
        template=route.template,
        segments=route.segments,
        unary=taken.unary or route.unary,
        streaming=taken.streaming or route.streaming,
        has_body=route.has_body,
        path_fields=route.path_fields,
        query_fields=route.query_fields,
        header_fields=route.header_fields,
        beta=taken.beta or route.beta,
        polled=taken.polled or route.polled,
    )
