"""Answers that are no streams: refusals of every status, and successes that bring something else."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

from hypothesis import strategies as st

from tests.models.hostile.oddities import TEXTS, VALUES, cut
from tests.models.hostile.plain import head, http
from tests.models.hostile.transport import FAILED, NOT_HTTP
from tests.models.hostile.wire import Answer, Beat, Close, Flood, Play, Send, Stall

STATUSES = (
    *(300, 301, 302, 303, 304, 305, 307, 308),
    *(400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 418, 422, 425, 429, 431, 451, 499),
    *(500, 501, 502, 503, 504, 511, 520, 524, 529, 598, 599, 600, 999),
)
_REASONS = ("", "Custom", "Bad Gateway", "x" * 3_000, "\xff\x80", "{key}")
_AFTER = ("", "0", "1", "20", "3600", "-5", "nan", "inf", "1e400", "soon", "9" * 400, "\xff")
_AFTER_DATES = ("Wed, 21 Oct 2026 07:28:00 GMT", "0x10", "1_0", "٣")
_PAGE = b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body>x</body></html>"
_PLACES = (
    "{elsewhere}/v1/responses",
    "{elsewhere}/",
    "{here}/v1/other",
    "/v1/other",
    "//evil.invalid/x",
    "",
    "http://",
    "javascript:alert(1)",
    "http://[::1",
    "\xff",
)

_ERRORS: st.SearchStrategy[Any] = st.one_of(
    VALUES,
    st.fixed_dictionaries(
        {},
        optional={
            "message": TEXTS | VALUES,
            "code": st.sampled_from(
                [
                    "server_error",
                    "rate_limit_exceeded",
                    "insufficient_quota",
                    "invalid_prompt",
                    "context_length_exceeded",
                    "unknown_parameter",
                    "image_too_large",
                    "model_not_found",
                ]
            )
            | VALUES,
            "type": st.sampled_from(["insufficient_quota", "overloaded_error"]) | VALUES,
            "param": st.sampled_from(["input", "messages[0]", "temperature"]) | VALUES,
        },
    ),
)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, str]:
    """A body and its content type."""
    error = draw(_ERRORS)
    shapes: list[Any] = [{"error": error}, error, [{"error": error}], {"detail": error}]
    as_json = json.dumps(draw(st.sampled_from(shapes))).encode()
    surrogate = rb'{"error": {"message": "\ud800"}}'
    return draw(
        st.sampled_from(
            [
                (as_json, "application/json"),
                (as_json, "application/json; charset=utf-8"),
                (as_json, "text/plain"),
                (as_json[:-2], "application/json"),
                (surrogate, "application/json"),
                (b"[" * 100_000, "application/json"),
                (_PAGE, "text/html"),
                (_PAGE, "application/json"),
                (b"<html>" * 20_000, "text/html"),
                (b"upstream connect error", "text/plain"),
                (b"key: {key}", "text/plain"),
                (b"x" * 200_000, "text/plain"),
                (b"\xff\xfe\x00\xd8", "application/octet-stream"),
                (b"", "application/json"),
                (b"", ""),
                (b"data: {}\n\n", "text/event-stream"),
            ]
        )
    )


@st.composite
def _encoded(draw: st.DrawFn, body: bytes) -> tuple[bytes, dict[str, str]]:
    return draw(
        st.sampled_from(
            [
                (body, {}),
                (body, {}),
                (gzip.compress(body), {"Content-Encoding": "gzip"}),
                (zlib.compress(body), {"Content-Encoding": "deflate"}),
                (body, {"Content-Encoding": "gzip"}),
                (body, {"Content-Encoding": "br"}),
                (gzip.compress(body)[:-9], {"Content-Encoding": "gzip"}),
                (BOMB, {"Content-Encoding": "gzip"}),
            ]
        )
    )


BOMB = gzip.compress(b"\x00" * (200 << 20), compresslevel=6)
"""200 MiB in 200 KiB."""


@st.composite
def refusals(draw: st.DrawFn) -> Answer:
    status = draw(st.sampled_from(STATUSES))
    body, kind = draw(bodies())
    body, fields = draw(_encoded(body))
    for name, values in (("Retry-After", _AFTER + _AFTER_DATES), ("Retry-After-Ms", _AFTER)):
        if draw(st.integers(0, 3)) == 0:
            fields |= {name: draw(st.sampled_from(values)).encode().decode("latin-1")}
    if 300 <= status < 400 or draw(st.integers(0, 9)) == 0:
        fields |= {"Location": draw(st.sampled_from(_PLACES))}
    reason = draw(st.sampled_from(_REASONS))
    raw = http(body, status, fields, reason=reason, kind=kind)
    plays: list[Play] = [Send(piece) for piece in cut(draw, raw, most=2)]
    # A provider's own words stand alone where they are about what was asked, or how much.
    tells = rf"\({status}\)" if status not in {400, 413, 422, 429} else ""
    match draw(st.integers(0, 9)):
        case 0:
            plays = [Send(head(status, {"Content-Type": "text/html"})), Flood(b"<p>x</p>")]
        case 1:
            plays = [Send(head(status, {"Content-Type": "text/plain"})), Beat(b"x")]
        case 2:
            plays = [Send(head(status, {"Content-Length": "9"}) + b"x"), Stall()]
        case 3:
            plays = [Send(head(status, {"Content-Length": "9"}) + b"x"), Close()]
        case _ if not reason.isascii():
            tells = NOT_HTTP  # a head that is no text is given up
        case _:
            pass
    if status == 304:  # which has no body, so that what comes of one is not HTTP
        tells += f"|{NOT_HTTP}"
    return Answer(plays=tuple(plays), ends=FAILED, tells=tells)


@st.composite
def no_streams(draw: st.DrawFn) -> Answer:
    """Success, it says."""
    status = draw(st.sampled_from([200, 200, 201, 202, 203, 204, 205, 206, 226]))
    body, kind = draw(bodies())
    body, fields = draw(_encoded(body))
    raw = http(body, status, fields, kind=kind)
    plays: list[Play] = [Send(piece) for piece in cut(draw, raw, most=2)]
    match draw(st.integers(0, 5)):
        case 0:
            plays = [Send(head(status, {"Content-Type": "application/json"})), Flood(b"[")]
        case 1:
            plays = [Send(head(status, {"Content-Type": "text/plain"})), Flood(b"words \n")]
        case 2:
            plays = [Send(head(status, {"Content-Type": "application/json"})), Stall()]
        case _:
            pass
    return Answer(plays=tuple(plays))


def answers() -> st.SearchStrategy[Answer]:
    return st.one_of(refusals(), refusals(), no_streams())
