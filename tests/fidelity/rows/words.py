"""Verdicts that many properties share, and the tests that rows name."""

from __future__ import annotations

from tests.fidelity.verdicts import absent, echoed, honoured, refused

SHOWN = honoured()
KEPT = echoed("Kept.")

NO_FILES = absent("There are no files here yet.")
NO_INTERPRETER = absent("`code_interpreter` is not there yet: no run has it.")
NO_SEARCH = absent("`file_search` is not there yet: no run has it.")
NO_CITATIONS = absent(
    "Annotations come from `file_search` and `code_interpreter`, which are not there yet."
)

FILE_IDS = refused(
    "404, since no file has any id yet: there are no files here. An empty list is kept."
)
STORE_IDS = refused(
    "404, since no vector store has any id yet: there are none here. An empty list is kept."
)
NEW_STORES = refused("Vector stores are not there yet, so none is made on the way.")

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
