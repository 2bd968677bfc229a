"""The codec: compiled once from descriptors, then walked for each request."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypeVar

import orjson
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from understudy_edge.codec import words
from understudy_edge.codec.bind import bind
from understudy_edge.codec.checks import check_echoes, check_plans
from understudy_edge.codec.compile import compile_plans
from understudy_edge.codec.decode import compile_decoders
from understudy_edge.codec.encode import compile_encoders, compile_events
from understudy_edge.codec.fields import Decode, RawField, Raws
from understudy_edge.codec.form import form_value
from understudy_edge.codec.plan import Member, MessagePlan
from understudy_edge.codec.raw import spans
from understudy_edge.codec.values import Encode

M = TypeVar("M", bound=Message)


class Codec:
    """JSON in OpenAI's dialect to and from the given messages, and all that they contain.

    Takes messages, or methods, whose requests and responses are meant. Raises DialectError when the options on
    the contract contradict each other. Every other method raises KeyError for a message that was not given.
    """

    def __init__(self, descriptors: Iterable[Descriptor | MethodDescriptor]) -> None:
        self._plans = compile_plans(_messages(descriptors))
        check_plans(self._plans)
        encoders = compile_encoders(self._plans)
        decoders = compile_decoders(self._plans)
        check_echoes(self._plans, decoders)
        self._encoders: dict[type[Message], Encode] = {}
        self._decoders: dict[type[Message], Decode] = {}
        self._masked: set[type[Message]] = set()
        self._members: dict[type[Message], dict[str, Member]] = {}
        self._events: dict[type[Message], tuple[str, dict[str, tuple[str, Encode | None]]]] = {}
        for name, plan in self._plans.items():
            message_class = GetMessageClass(plan.descriptor)
            self._encoders[message_class] = encoders[name]
            self._decoders[message_class] = decoders[name]
            self._members[message_class] = {member.name: member for member in plan.members}
            if plan.masked:
                self._masked.add(message_class)
            if events := compile_events(plan, encoders.__getitem__):
                self._events[message_class] = (_event_union(plan), events)

    def plan(self, descriptor: Descriptor) -> MessagePlan:
        """What the dialect says about a message; `Member.message` names further ones for `plan_of`."""
        return self._plans[descriptor.full_name]

    def plan_of(self, full_name: str) -> MessagePlan:
        return self._plans[full_name]

    def encode(self, message: Message) -> bytes:
        """Compact JSON, keys in the order of declaration, UTF-8 without escapes."""
        return orjson.dumps(self._encoders[type(message)](message))

    def encode_value(self, message: Message) -> Any:
        """The same as plain lists, dicts and scalars, which belong to the caller."""
        return orjson.loads(self.encode(message))

    def encode_event(self, event: Message) -> tuple[str, bytes]:
        """The SSE event name and the JSON payload, on one line, of the branch that is set.

        Raises ValueError if none is.
        """
        union, branches = self._events[type(event)]
        which = event.WhichOneof(union)
        if which is None:
            raise ValueError(f"{event.DESCRIPTOR.full_name}: no event is set")
        name, encode = branches[which]
        value = getattr(event, which)
        payload = orjson.dumps(value if encode is None else encode(value))
        # Raw JSON may have line ends between its tokens, where white space means nothing; in SSE they would.
        if b"\n" in payload or b"\r" in payload:
            payload = payload.replace(b"\n", b" ").replace(b"\r", b" ")
        return name, payload

    def decode(
        self, message_class: type[M], value: Any, *, bound: frozenset[str] = frozenset()
    ) -> M:
        """A new message from JSON as orjson parses it. Raises Problem.

        Fields that are `bound` come from the path or the query, so they are unknown parameters here. An
        `update_mask` gets the keys of `value`. A `raw_json` field gets the value as orjson writes it.
        """
        message, raws = self._fill(message_class, value, bound)
        for raw in raws:
            setattr(raw.message, raw.name, orjson.dumps(raw.value))
        return message

    def decode_body(
        self, message_class: type[M], body: bytes, *, bound: frozenset[str] = frozenset()
    ) -> M:
        """As `decode`, from the text of a body; an empty one counts as `{}`. Raw JSON is kept byte for byte."""
        try:
            value = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError as error:
            raise words.not_json() from error
        message, raws = self._fill(message_class, value, bound)
        if raws:
            texts = spans(body, [raw.path for raw in raws])
            for raw in raws:
                setattr(raw.message, raw.name, texts[raw.path])
        return message

    def form_value(self, message_class: type[Message], pairs: Iterable[tuple[str, str]]) -> Any:
        """What `decode` takes, from the fields of a form, where `a[b]` is the member `b` of `a`.

        Raises Problem for names that have no place in the message.
        """
        return form_value(self._plans[message_class.DESCRIPTOR.full_name], pairs, self._plans)

    def bind(
        self, message: Message, pairs: Iterable[tuple[str, str]], *, fields: Collection[str]
    ) -> None:
        """Sets `fields` from decoded pairs of the query string. Raises Problem, also for every other name.

        A repeated field takes all pairs named `name` or `name[]`; of others the last pair counts.
        """
        bind(message, pairs, fields=fields, members=self._members[type(message)])

    def _fill(self, message_class: type[M], value: Any, bound: frozenset[str]) -> tuple[M, Raws]:
        message = message_class()
        raws: list[RawField] = []
        if type(value) is dict:
            for name in value:
                if name in bound:
                    raise words.unknown((None, name))
        self._decoders[message_class](message, value, None, raws)
        if message_class in self._masked and value:
            _mask(message).extend(value)
        return message, raws


def _mask(message: Any) -> Any:
    return message.update_mask.paths


def _messages(descriptors: Iterable[Descriptor | MethodDescriptor]) -> list[Descriptor]:
    found: list[Descriptor] = []
    for descriptor in descriptors:
        if isinstance(descriptor, MethodDescriptor):
            found += [descriptor.input_type, descriptor.output_type]
        else:
            found.append(descriptor)
    return found


def _event_union(plan: MessagePlan) -> str:
    return next(union.name for union in plan.unions if union.branches[0].options.event)
