"""Verdicts that many properties share, and the tests that rows name."""

from __future__ import annotations

from tests.fidelity.verdicts import absent, echoed, honoured

SHOWN = honoured()
KEPT = echoed("Kept.")

NO_FILES = absent("Models answer with text: no run writes an image.")
NO_INTERPRETER = absent("`code_interpreter` is not there yet: no run has it.")
NO_SEARCH = absent("`file_search` is not there yet: no run has it.")
NO_CITATIONS = absent(
    "Annotations come from `file_search` and `code_interpreter`, which are not there yet."
)

FILE_IDS = echoed(
    "Kept, for files that are there; `code_interpreter`, which would read them, is not there yet."
)
STORE_IDS = echoed(
    "Kept, for vector stores that are there; `file_search`, which would search them, is not there yet."
)
_PROMISES = "tests/server/vectors/test_promises.py::"
NEW_STORES = honoured(
    "Makes the vector store.",
    f"{_PROMISES}test_a_thread_comes_with_a_store_that_expires_after_a_week",
)
ATTACHED = honoured(
    "A thread's vector store gets the file, or its list of files for code.",
    f"{_PROMISES}test_attachments_make_a_store_or_go_into_the_one_that_is_there",
)

_RUNS = "tests/parameters/test_parameters.py::"


def told(name: str, entry: str = "CreateRun") -> str:
    """What the provider is sent."""
    return f"{_RUNS}test_the_provider_is_told[responses-{entry}-{name}]"


def outcome(name: str, entry: str = "CreateRun") -> str:
    """What a run comes to."""
    return f"{_RUNS}test_the_outcome[responses-{entry}-{name}]"


def effect(operation: str, field: str) -> str:
    """What a run of an assistant that was so made, or changed, sends to the provider."""
    return f"tests/fidelity/test_effects.py::test_an_assistant[{operation}-{field}]"


def streams(schema: str) -> str:
    return f"tests/fidelity/test_effects.py::test_a_stream[{schema}]"


def windows(name: str) -> str:
    """Every page of a list, in both orders, from every cursor."""
    return f"tests/contract/test_paging.py::test_every_window_of_a_list[{name}]"
