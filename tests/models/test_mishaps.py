"""What happens below HTTP is told in words, and never waited for longer than the provider's settings allow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.models.fakes import ask, collect, remote_model
from tests.models.hostile.leaping import LeapingLoop
from tests.models.hostile.plain import STREAM, chunk, head, http
from tests.models.hostile.wire import Answer, Close, Play, RawServer, Reset, Send, Stall
from understudy_server.models.port import ModelError
from understudy_server.models.provider import DialectName


async def told(plays: Sequence[Play], dialect: DialectName) -> str:
    async with RawServer([Answer(plays=tuple(plays))]) as server:
        model = remote_model(f"{server.origin}/v1", dialect=dialect)
        try:
            with pytest.raises(ModelError) as caught:
                await collect(model.stream(ask()))
        finally:
            await model.close()
    return caught.value.message


@pytest.mark.parametrize(
    ("plays", "words"),
    [
        ([Close()], "closed the connection before the answer was complete"),
        ([Reset()], "closed the connection before the answer was complete"),
        ([Stall()], "stopped answering: nothing came for 60 seconds"),
        ([Send(b"HTTP/1.1 100 Continue\r\n\r\n"), Stall()], "nothing came for 60 seconds"),
        ([Send(b"SSH-2.0-x\r\n\r\n"), Close()], "not understood: it is not HTTP"),
        # The encoding breaks while the body is read: nothing more will ever come of it.
        ([Send(head(200, STREAM)), Send(chunk(b": x\n\n")), Send(b"zz\r\n"), Stall()], "acme"),
        ([Send(http(b"", 307, {"Location": "http://127.0.0.1:1/"}))], "another address"),
        ([Send(http(b"words", kind="text/plain"))], "there is no event in it"),
        ([Send(http(b": ping\n\n"))], "closed the connection"),
        ([Send(http(b"x", 502, kind="text/html"))], "had an error (502): x"),
        ([Send(http(b'{"error":{"message":"No."}}', kind="application/json"))], "error: No."),
        ([Send(http(b"x", headers={"Content-Encoding": "br"}))], "compressed as br"),
        ([Send(http(b"words", headers={"Content-Encoding": "gzip"}))], "not compressed as it says"),
    ],
)
def test_it_is_told_in_words(plays: Sequence[Play], words: str, dialect: DialectName) -> None:
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        assert words in runner.run(told(plays, dialect))


async def listed(plays: Sequence[Play], dialect: DialectName) -> str:
    async with RawServer([Answer(plays=tuple(plays))]) as server:
        model = remote_model(f"{server.origin}/v1", dialect=dialect)
        try:
            with pytest.raises(ModelError) as caught:
                await model.list_models()
        finally:
            await model.close()
    return caught.value.message


@pytest.mark.parametrize(
    "plays",
    [
        [Stall()],
        [Send(b"HTTP/1.1 100 Continue\r\n\r\n"), Stall()],
        [Send(head(200, {"Content-Length": "9"}) + b"{"), Stall()],
    ],
)
def test_a_list_of_models_is_waited_for_no_longer(
    plays: Sequence[Play], dialect: DialectName
) -> None:
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        assert "nothing came for 60 seconds" in runner.run(listed(plays, dialect))
