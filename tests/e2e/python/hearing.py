"""An event handler of the SDK that writes down what it hears, each callback by its own name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from openai import AssistantEventHandler, AsyncAssistantEventHandler

Heard: TypeAlias = list[tuple[Any, ...]]
"""A row for each callback: its name, then what it was told, in short."""

CLASSES: Final[dict[str, type[AssistantEventHandler | AsyncAssistantEventHandler]]] = {
    "sync": AssistantEventHandler,
    "async": AsyncAssistantEventHandler,
}


def callbacks(kind: str) -> set[str]:
    """Every callback that the SDK's own class has, for the client of this kind."""
    return {name for name, _ in inspect.getmembers(CLASSES[kind]) if name.startswith("on_")}


def members(kind: str) -> set[str]:
    """Everything else that is public in that class."""
    named = {name for name, _ in inspect.getmembers(CLASSES[kind]) if not name.startswith("_")}
    return (named | CLASSES[kind].__annotations__.keys()) - callbacks(kind)


def recorder(kind: str, heard: Heard, **instead: Callable[..., None]) -> Any:
    """A handler for the client of this kind, with other functions ``instead`` of some callbacks.

    Raises ``KeyError`` for a callback unknown here.
    """

    def hearing(name: str) -> Callable[..., Any]:
        essence = _ESSENCE[name]

        def hear(_: object, *told: Any) -> None:
            if name in instead:
                instead[name](*told)
            else:
                heard.append((name, *essence(*told)))

        async def hear_async(_: object, *told: Any) -> None:
            hear(_, *told)

        return hear if kind == "sync" else hear_async

    overridden = {name: hearing(name) for name in callbacks(kind)}
    return type("Recorder", (CLASSES[kind],), overridden)()


def _text(message: Any) -> str:
    return "".join(part.text.value for part in message.content)


def _calls(step: Any) -> str:
    """The arguments of the calls in a step or in a delta of one, neighbours joined by a bar."""
    return "|".join(call.function.arguments or "" for call in step.step_details.tool_calls)


_ESSENCE: Final[dict[str, Callable[..., tuple[Any, ...]]]] = {
    "on_end": lambda: (),
    "on_event": lambda event: (event.event,),
    "on_exception": lambda error: (type(error).__name__,),
    "on_image_file_done": lambda image: (image.file_id,),
    "on_message_created": lambda message: (message.status,),
    "on_message_delta": lambda delta, snapshot: (_text(delta), _text(snapshot)),
    "on_message_done": lambda message: (message.status, _text(message)),
    "on_run_step_created": lambda step: (step.type, step.status),
    "on_run_step_delta": lambda delta, snapshot: (_calls(delta), _calls(snapshot)),
    "on_run_step_done": lambda step: (step.type, step.status),
    "on_text_created": lambda text: (text.value,),
    "on_text_delta": lambda delta, snapshot: (delta.value, snapshot.value),
    "on_text_done": lambda text: (text.value,),
    "on_timeout": lambda: (),
    "on_tool_call_created": lambda call: (call.function.name, call.function.arguments),
    "on_tool_call_delta": lambda delta, call: (delta.function.arguments, call.function.arguments),
    "on_tool_call_done": lambda call: (call.function.name, call.function.arguments),
}
