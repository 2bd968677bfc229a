"""What the error of a failed run must be, whoever failed; and that what it claims is what the server did."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from tests.models.hostile.facts import Facts, depth, letters
from tests.models.hostile.oddities import DEEP
from understudy.v1 import run_pb2
from understudy_server.models.complaints import LONGEST_MESSAGE
from understudy_server.runs import ending

_WORDLESS = {ending.SORRY, "The model's answer ended before it was complete."}
"""What is said when nobody knows what happened."""
_SUBJECT = "The model provider 'acme' "
_PROGRAMMERS = re.compile(
    r"Traceback|object at 0x|\bb['\"]|\[Errno|\w+(Error|Exception)\(|<\w+Error|\('|<class|None\b"
)
_BAD = "sent an answer that is not understood: "

_VERBS: Final = {
    401: "refused the API key",
    403: "refused access",
    404: "does not offer this model|has no such address; its base_url may be wrong",
    429: "asks for fewer requests",
}


def _refused(said: re.Match[str], facts: Facts) -> bool:
    status, words = said["status"], said["words"] or ""
    if status is not None:
        code = int(status)
        if code not in facts.statuses and f'"code": {code}'.encode() not in facts.body:
            return False
        if not re.fullmatch(_verbs(code), said["verb"]):
            return False
    elif said["verb"] not in ("reported an error", "asks for fewer requests"):
        return False
    return words in ("", "no reason was given") or _are_theirs(words, facts)


def _verbs(status: int) -> str:
    if 300 <= status < 400:
        return "points to another address; its base_url may be wrong"
    usual = "had an error" if status >= 500 else "refused the request"
    return _VERBS.get(status, f"{usual}|asks for fewer requests")


def _are_theirs(words: str, facts: Facts) -> bool:
    """Apart from what was cut off, or blanked since it looks like a key."""
    return all(letters(part) in facts.words for part in re.split(r"(?:sk-|Bearer )?\*\*\*", words))


Holds: TypeAlias = Callable[[re.Match[str], Facts], bool]
_CLAIMS: Final[tuple[tuple[str, Holds], ...]] = (
    ("could not be reached: Connection refused", lambda _, facts: not facts.answer.listens),
    (
        "closed the connection before the answer was complete",
        lambda _, facts: facts.left or facts.packed[1],
    ),
    (
        # The HTTP client hears no more of a connection on which it lost the thread, not even its end.
        "stopped answering: nothing came for 60 seconds",
        lambda _, facts: (
            facts.silence >= 60 and not facts.goes_on and not (facts.left and facts.is_http)
        ),
    ),
    (
        _BAD + r"it is longer than 1,048,576 bytes",
        lambda _, facts: max(len(facts.raw), len(facts.body)) > 1_048_576,
    ),
    (_BAD + "it is not HTTP", lambda _, facts: not facts.is_http),
    (_BAD + "it is not compressed as it says", lambda _, facts: facts.badly_packed),
    (
        _BAD + r"it is compressed as (?P<how>\w+), which was not asked for",
        lambda said, facts: f"content-encoding: {said['how']}" in facts.fields,
    ),
    (
        _BAD + r"it is (?P<kind>\S+), not an event stream",
        lambda said, facts: f"content-type: {said['kind']}" in facts.fields,
    ),
    (_BAD + "there is no event in it", lambda _, facts: not facts.frames),
    (_BAD + "bad JSON: .*", lambda _, facts: facts.bad_frames),
    (
        _BAD + "an event that is not an object",
        lambda _, facts: any(not isinstance(value, dict) for value in facts.values),
    ),
    (
        _BAD + "JSON that is nested too deep",
        lambda _, facts: any(depth(value) >= DEEP for value in facts.values),
    ),
    (
        _BAD + "a function call without a name",
        lambda _, facts: b"function_call" in facts.body or b"tool_calls" in facts.body,
    ),
    (_BAD + "it ended without response.completed", lambda _, facts: b"[DONE]" in facts.body),
    (
        r"reported an error: the answer (ended with an error|was (?P<how>failed|cancelled))",
        lambda said, facts: (said["how"] or "error").encode() in facts.body,
    ),
    (
        r"(?P<verb>[a-z][^(:]*?)( \((?P<status>\d+)\))?(: (?P<words>.*))?",
        _refused,
    ),
)
"""All that can be said of a provider, and when it is true."""


def check(error: run_pb2.RunError, secrets: tuple[str, ...]) -> None:
    """For a provider named ``acme`` that says nothing of the programmers' kind itself."""
    message = error.message
    assert error.code in {
        run_pb2.RUN_ERROR_CODE_SERVER_ERROR,
        run_pb2.RUN_ERROR_CODE_RATE_LIMIT_EXCEEDED,
        run_pb2.RUN_ERROR_CODE_INVALID_PROMPT,
    }
    assert message.strip()
    assert message not in _WORDLESS
    assert len(message) <= LONGEST_MESSAGE
    assert message.isprintable()
    assert not _PROGRAMMERS.search(message), message
    assert not any(secret in message for secret in secrets), message
    if error.code == run_pb2.RUN_ERROR_CODE_SERVER_ERROR:
        assert message.startswith(_SUBJECT), message


def check_tells(message: str, pattern: str) -> None:
    assert re.search(pattern, message), f"{message!r} does not tell {pattern!r}"


def check_true(message: str, facts: Facts) -> None:
    """Nothing is claimed that did not happen."""
    if not message.startswith(_SUBJECT):  # their own words stand alone
        assert _are_theirs(message, facts), f"{message!r} was not said"
        return
    for pattern, holds in _CLAIMS:
        if said := re.fullmatch(pattern, message.removeprefix(_SUBJECT)):
            assert holds(said, facts), f"{message!r} is not true"
            return
    raise AssertionError(f"{message!r} is not a thing to say")


def check_complete(facts: Facts) -> None:
    """An answer that counts as one said that it was at its end."""
    assert any(map(_ends, facts.values)) or b"[DONE]" in facts.body


def _ends(event: Any) -> bool:
    if not isinstance(event, dict):
        return False
    choices = event.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    reason = first.get("finish_reason") if isinstance(first, dict) else None
    return bool(reason) or event.get("type") in ("response.completed", "response.incomplete")
