"""The ``responses`` dialect: OpenAI's newer one, the only one that replays reasoning."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from understudy_server.models.dialect import Dialect
from understudy_server.models.responses_request import build_body
from understudy_server.models.responses_stream import ResponsesParser


def responses_dialect(new_call_id: Callable[[], str], *, reasoning_items: bool = True) -> Dialect:
    """``new_call_id`` names calls that the server sent without an id."""
    return Dialect(
        name="responses",
        path="/responses",
        build_body=partial(build_body, reasoning_items=reasoning_items),
        new_parser=partial(ResponsesParser, new_call_id),
    )
