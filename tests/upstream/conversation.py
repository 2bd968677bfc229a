"""Reading the conversation back out of a request of either dialect."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    """One entry: ``role`` is a message's, or ``call``, ``tool``, ``reasoning``."""

    role: str
    text: str


def read_conversation(body: dict[str, Any]) -> list[Line]:
    lines: list[Line] = []
    if body.get("instructions"):
        lines.append(Line("instructions", body["instructions"]))
    items = body.get("messages", body.get("input", []))
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    for item in items:
        lines += _read(item)
    return lines


def last_user_text(lines: list[Line]) -> str:
    return next((line.text for line in reversed(lines) if line.role == "user"), "")


def tool_rounds(lines: list[Line]) -> list[list[str]]:
    """The tools' outputs since the last user message, one list per round of calls."""
    rounds: list[list[str]] = []
    previous = ""
    for line in lines:
        if line.role == "user":
            rounds = []
        elif line.role == "tool":
            if previous != "tool":
                rounds.append([])
            rounds[-1].append(line.text)
        previous = line.role
    return rounds


def _read(item: dict[str, Any]) -> list[Line]:
    match item.get("type", "message"):
        case "function_call":
            return [Line("call", f"{item['name']}({item['arguments']})")]
        case "function_call_output":
            return [Line("tool", item["output"])]
        case "reasoning":
            return [Line("reasoning", str(item.get("encrypted_content")))]
        case _:
            said = [] if item.get("content") is None else [Line(item["role"], _text(item))]
            calls = (call["function"] for call in item.get("tool_calls", []))
            return [*said, *(Line("call", f"{f['name']}({f['arguments']})") for f in calls)]


def _text(item: dict[str, Any]) -> str:
    content = item["content"]
    if isinstance(content, str):
        return content
    return " ".join(_part(part) for part in content)


def _part(part: dict[str, Any]) -> str:
    if "text" in part:
        return str(part["text"])
    if "refusal" in part:
        return f"[refusal: {part['refusal']}]"
    url = part.get("image_url")
    return f"[image: {url['url'] if isinstance(url, dict) else url or json.dumps(part)}]"
