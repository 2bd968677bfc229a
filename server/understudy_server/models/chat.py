"""The ``chat`` dialect: chat completions, which nearly every model server speaks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from understudy_server.models.chat_request import MaxTokensField, build_body
from understudy_server.models.chat_stream import ChatParser
from understudy_server.models.dialect import Dialect


def chat_dialect(
    new_call_id: Callable[[], str], *, max_tokens_field: MaxTokensField = "max_completion_tokens"
) -> Dialect:
    """``new_call_id`` names calls that the server sent without an id."""
    return Dialect(
        name="chat",
        path="/chat/completions",
        build_body=partial(build_body, max_tokens_field=max_tokens_field),
        new_parser=partial(ChatParser, new_call_id),
    )
