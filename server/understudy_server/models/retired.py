"""OpenAI's text models that it has shut down: names that assistants of those years still carry.

The dates are those that OpenAI announced, in its SDKs and on its page of deprecations; models that made sound, searched
or completed plain text are left out. Nothing is done with them unless ``retired_models`` is set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_ON: Final = {
    "2024-09-13": (
        "gpt-3.5-turbo-0301",
        "gpt-3.5-turbo-0613",
        "gpt-3.5-turbo-16k",
        "gpt-3.5-turbo-16k-0613",
    ),
    "2024-12-06": ("gpt-4-1106-vision-preview", "gpt-4-vision-preview"),
    "2025-06-06": ("gpt-4-32k", "gpt-4-32k-0314", "gpt-4-32k-0613"),
    "2025-07-14": ("gpt-4.5-preview", "gpt-4.5-preview-2025-02-27"),
    "2025-07-28": ("o1-preview", "o1-preview-2024-09-12"),
    "2025-10-27": ("o1-mini", "o1-mini-2024-09-12"),
    "2026-02-17": ("chatgpt-4o-latest",),
    "2026-03-26": ("gpt-4-0125-preview", "gpt-4-0314", "gpt-4-turbo-preview"),
    "2026-07-23": ("gpt-5-chat-latest", "gpt-5.1-chat-latest"),
    "2026-08-10": ("gpt-5.2-chat-latest", "gpt-5.3-chat-latest"),
    "2026-09-28": ("gpt-3.5-turbo-1106",),
    "2026-10-23": (
        "gpt-3.5-turbo",
        "gpt-3.5-turbo-0125",
        "gpt-4",
        "gpt-4-0613",
        "gpt-4-1106-preview",
        "gpt-4-turbo",
        "gpt-4-turbo-2024-04-09",
        "gpt-4.1-nano",
        "gpt-4.1-nano-2025-04-14",
        "gpt-4o-2024-05-13",
        "o1",
        "o1-2024-12-17",
        "o3-mini",
        "o3-mini-2025-01-31",
        "o4-mini",
        "o4-mini-2025-04-16",
    ),
}

RETIRED: Final[Mapping[str, str]] = {name: day for day, names in _ON.items() for name in names}
"""The day on which each one was shut down, as ``YYYY-MM-DD``."""
