"""How fast the codec is, beside protobuf's own `json_format`: `python -m tests.bench.bench_codec`.

`json_format` writes and reads the same messages in protobuf's JSON, which leaves unset fields out; the codec writes
all of them. Times are those of the thread, and the best of many rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import orjson
from google.protobuf import json_format
from google.protobuf.message import Message

from tests.edge.codec.served import CODEC
from understudy.v1 import assistant_pb2, event_pb2, run_pb2

_ROUNDS, _CALLS = 300, 50


def run() -> run_pb2.Run:
    made = run_pb2.Run(
        id="run_gMAiOdxbrcV3JXHDasJZwr3g",
        created_at=1761861632,
        assistant_id="asst_wsbI8mQzYyBDEhJH7F4Eg3tx",
        thread_id="thread_JBW8iwCBHFQ5uPCfxzR9TlUf",
        status=run_pb2.RUN_STATUS_IN_PROGRESS,
        started_at=1761861634,
        expires_at=1761862232,
        model="gpt-4o",
    )
    function = made.tools.add().function
    function.name = "get_current_weather"
    function.parameters = b'{"type":"object","properties":{"city":{"type":"string"}}}'
    made.tools.add().code_interpreter.SetInParent()
    made.metadata["user"] = "1234"
    return made


def delta() -> event_pb2.RunEvent:
    event = event_pb2.RunEvent(id="1-17")
    event.message_delta.id = "msg_QKguDb0ERalCwX44IuQhxGAy"
    event.message_delta.delta.content.add().text.value = " favorite"
    return event


REQUEST = (
    b'{"model":"gpt-4o","name":"Weather","instructions":"Answer.","temperature":0.5,"tools":[{"type":'
    b'"code_interpreter"},{"type":"file_search","file_search":{"max_num_results":5}}],"metadata":{"user":"1234"}}'
)


def _best(rivals: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Microseconds of one call. The rivals take turns, so that a busy machine is busy for both."""
    best = dict.fromkeys(rivals, float("inf"))
    for _ in range(_ROUNDS):
        for name, call in rivals.items():
            start = time.thread_time_ns()
            for _ in range(_CALLS):
                call()
            best[name] = min(best[name], (time.thread_time_ns() - start) / _CALLS / 1000)
    return best


def _report(what: str, ours: Callable[[], object], theirs: Callable[[], object]) -> None:
    best = _best({"codec": ours, "json_format": theirs})
    ratio = best["json_format"] / best["codec"]
    print(f"{what:28s} {best['codec']:7.2f} us {best['json_format']:7.2f} us {ratio:5.1f} x")  # noqa: T201 - its output


def _to_json(message: Message) -> str:
    return json_format.MessageToJson(message, preserving_proto_field_name=True, indent=None)


def main() -> None:
    a_run, an_event = run(), delta()
    request_class = assistant_pb2.CreateAssistantRequest
    their_request = _to_json(CODEC.decode_body(request_class, REQUEST)).encode()
    page = run_pb2.ListRunsResponse(data=[a_run] * 20)
    _report("encode a run", lambda: CODEC.encode(a_run), lambda: _to_json(a_run))
    _report("encode 20 runs", lambda: CODEC.encode(page), lambda: _to_json(page))
    _report(
        "encode a message delta",
        lambda: CODEC.encode_event(an_event),
        lambda: _to_json(an_event.message_delta),
    )
    _report(
        "decode a request",
        lambda: CODEC.decode_body(request_class, REQUEST),
        lambda: json_format.Parse(their_request, request_class()),
    )
    _report(
        "decode a request, parsed",
        lambda: CODEC.decode(request_class, orjson.loads(REQUEST)),
        lambda: json_format.ParseDict(orjson.loads(their_request), request_class()),
    )


if __name__ == "__main__":
    main()
