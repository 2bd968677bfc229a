"""Plays a script onto one HTTP response."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.upstream.chat_wire import ChatWriter
from tests.upstream.conversation import read_conversation
from tests.upstream.responses_wire import ResponsesWriter
from tests.upstream.steps import (
    Call,
    Drop,
    Echo,
    Error,
    Finish,
    Gate,
    Quirks,
    Raw,
    Reason,
    Refuse,
    Report,
    Say,
    Script,
    Stall,
    Tokens,
    words,
)


@dataclass(frozen=True, kw_only=True)
class Player:
    """``pass_gate`` waits for the release of a gate by name; ``call_ids`` names calls."""

    request: web.Request
    body: dict[str, Any]
    pass_gate: Callable[[str], Awaitable[None]]
    call_ids: itertools.count[int]

    @property
    def _chat(self) -> bool:
        return self.request.path.endswith("/chat/completions")

    async def play(self, script: Script) -> web.StreamResponse:
        quirks = {name for step in script if isinstance(step, Quirks) for name in step.names}
        writer = (ChatWriter if self._chat else ResponsesWriter)(self.body, quirks)
        script = await self._hesitate(script)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(self.request)
        usage: tuple[int, int, int, int] | None = (7, 5, 0, 0)

        async def send(events: list[dict[str, Any]]) -> None:
            for event in events:
                await _write(response, _frame(event, quirks, named=not self._chat), quirks)

        await send(writer.start())
        reason = ""
        for step in script:
            match step:
                case Say():
                    for chunk in step.chunks:
                        await send(writer.say(chunk))
                case Echo():
                    for line in read_conversation(self.body):
                        await send(writer.say(f"{line.role}: {line.text}\n"))
                case Tokens():
                    for number in range(step.count):
                        await send(writer.say(f" token{number}"))
                        await asyncio.sleep(step.every)
                case Refuse():
                    for chunk in words(step.text):
                        await send(writer.refuse(chunk))
                case Call():
                    call_id = step.id or f"call_{next(self.call_ids):024d}"
                    await send(writer.call(step.name, step.arguments, call_id))
                case Reason():
                    await send(writer.reason(step.encrypted))
                case Gate() | Stall() | Drop():
                    await self._hold(step)
                case Raw():
                    await response.write(step.text.encode())
                case Error():
                    await send(writer.error(step.code, step.message, failed=step.failed))
                    return response
                case Report():
                    usage = step.usage
                case Finish():
                    reason = step.reason
                    break
                case _:
                    pass
        await send(writer.finish(reason, usage))
        if self._chat and "no_done" not in quirks:
            await _write(response, _line_ends("data: [DONE]\n\n", quirks), quirks)
        return response

    async def _hesitate(self, script: Script) -> Script:
        """Take the steps that come before the response begins."""
        for number, step in enumerate(script):
            if not isinstance(step, Gate | Stall | Drop):
                return script[number:]
            await self._hold(step)
        return ()

    async def _hold(self, step: Gate | Stall | Drop) -> None:
        match step:
            case Gate():
                await self.pass_gate(step.name)
            case Stall():
                await asyncio.Event().wait()
            case Drop():
                assert self.request.transport is not None
                self.request.transport.close()
                await asyncio.Event().wait()  # until the server notices, and cancels this


def _frame(event: dict[str, Any], quirks: Collection[str], *, named: bool) -> bytes:
    lines = ": keep-alive\n\n" if "comments" in quirks else ""
    if named and "no_event_lines" not in quirks:
        lines += f"event: {event['type']}\n"
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return _line_ends(f"{lines}data: {data}\n\n", quirks)


def _line_ends(text: str, quirks: Collection[str]) -> bytes:
    return (text.replace("\n", "\r\n") if "crlf" in quirks else text).encode()


async def _write(response: web.StreamResponse, data: bytes, quirks: Collection[str]) -> None:
    if "single_bytes" not in quirks:
        await response.write(data)
        return
    for byte in data:
        await response.write(bytes([byte]))
