"""Providers that do anything at all, over real connections: the run ends all the same, and tells what happened.

Everything is real but time and the provider: the engine, the store in memory, the HTTP client and its pool.
``UNDERSTUDY_HOSTILE_EXAMPLES`` sets the number of examples over all cases (1000).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.models.hostile import endless, framing, grammar, statuses, transport
from tests.models.hostile.stage import Then, play
from tests.models.hostile.wire import Answer
from understudy_server.models.provider import DialectName

_KINDS: Final[dict[str, tuple[float, Callable[[DialectName], st.SearchStrategy[Answer]]]]] = {
    "transport": (0.2, transport.answers),
    "statuses": (0.2, lambda _dialect: statuses.answers()),
    "framing": (0.2, framing.answers),
    "grammar": (0.36, grammar.answers),
    "endless": (0.04, endless.answers),
}
"""Which part of the examples each kind gets; an endless answer takes a hundred times as long."""
_EXAMPLES: Final = int(os.environ.get("UNDERSTUDY_HOSTILE_EXAMPLES", "1000"))
_DIALECTS: Final[tuple[DialectName, ...]] = ("responses", "chat")
_THEN: Final[st.SearchStrategy[Then]] = st.sampled_from(["submit", "cancel"])


@pytest.fixture(autouse=True, scope="module")
def no_certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nobody here speaks TLS, and reading the system's certificates takes as long as the rest of an example."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("certificates")))
        yield


@pytest.mark.timeout(max(1_000, _EXAMPLES))
@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("dialect", _DIALECTS)
def test_a_run_always_ends_and_tells_what_happened(dialect: DialectName, kind: str) -> None:
    share, answers = _KINDS[kind]

    @settings(
        max_examples=max(1, round(_EXAMPLES * share / len(_DIALECTS))),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(answers(dialect), min_size=1, max_size=2), _THEN)
    def check(script: list[Answer], then: Then) -> None:
        play(dialect, script, then)

    check()


@pytest.mark.parametrize("dialect", _DIALECTS)
def test_nobody_is_there(dialect: DialectName) -> None:
    play(dialect, [transport.nobody()])
