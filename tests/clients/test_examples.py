"""The same example in every language: what it prints, whatever happens to its connection."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from grpc import StatusCode

from tests.clients.cutting import Cutter
from tests.clients.languages import LANGUAGES, ask
from tests.clients.scripted_core import (
    RUN,
    ComeAgain,
    Refusal,
    ScriptedCore,
    Stream,
    calls,
    event,
)
from tests.servers import KEY, Process
from understudy.v1.event_pb2 import ContentPartDelta, MessageDelta, MessageDeltaEvent, RunEvent
from understudy.v1.message_pb2 import Message
from understudy.v1.run_pb2 import Run, RunError, RunStatus

pytestmark = pytest.mark.parametrize("language", LANGUAGES)

PRINTED = """\
question: What is the weather in Bern?
call: weather in Bern
answer: Here is what I found: weather says 18 degrees and sunny in Bern.
status: completed
"""


async def test_asked_and_answered(language: str, core: Process) -> None:
    done = await ask(language, core.facts["gRPC"], KEY)
    assert (done.status, done.output) == (0, PRINTED), done.errors


async def test_another_question(language: str, core: Process) -> None:
    done = await ask(language, core.facts["gRPC"], KEY, "My name is Ada, ça va? 你好")
    answer = (
        'You said: "My name is Ada, ça va? 你好".'
        " This is the demo model, and our thread has 1 message so far."
    )
    assert done.output.splitlines()[1:] == [f"answer: {answer}", "status: completed"], done.errors


@pytest.mark.parametrize("cuts", [[4], [5, 1], [4, 1, 1, 1, 2, 3]], ids=str)
async def test_connections_that_break(language: str, cuts: list[int], core: Process) -> None:
    """The first three frames are the answers that create things; at least three more follow the run."""
    async with Cutter(int(core.facts["gRPC"].rpartition(":")[2]), cuts) as relay:
        done = await ask(language, relay.address, KEY)
    assert (done.status, done.output) == (0, PRINTED), done.errors
    assert relay.connections > 1


async def test_over_a_unix_socket(language: str, core_behind_a_socket: Process) -> None:
    done = await ask(language, core_behind_a_socket.facts["gRPC"], KEY)
    assert (done.status, done.output) == (0, PRINTED), done.errors


async def test_a_wrong_key(language: str, core: Process) -> None:
    done = await ask(language, core.facts["gRPC"], "sk-none-of-ours")
    assert done.status != 0
    assert done.output == ""
    assert "unauthenticated" in done.errors.lower()


def said(id: str, text: str) -> RunEvent:
    part = ContentPartDelta(index=0)
    part.text.value = text
    return event(id, message_delta=MessageDeltaEvent(delta=MessageDelta(content=[part])))


OPENED = event("1-1", message_created=Message())
END = event("1-9", run_completed=RUN)
ASKED = event("1-2", run_requires_action=calls(("weather", '{"city":"Rome"}')))
ASKED_AGAIN = event("2-2", run_requires_action=calls(("weather", '{"city":"Oslo"}')))
FAILED = Run(id="run_1", thread_id="thread_1", last_error=RunError(message="No such model."))
WORKING = Run(id="run_1", thread_id="thread_1", status=RunStatus.RUN_STATUS_IN_PROGRESS)
ENDINGS = {
    "incomplete": event("1-9", run_incomplete=RUN),
    "cancelled": event("1-9", run_cancelled=RUN),
    "expired": event("1-9", run_expired=RUN),
    "failed: No such model.": event("1-9", run_failed=FAILED),
}


@dataclass(kw_only=True)
class Row:
    id: str
    streams: list[Stream]
    runs: list[Run | Refusal] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    printed: list[str]
    asked: list[str]
    """After which events."""
    outputs: list[str] = field(default_factory=list)
    """Of each submission, the one that it has."""


IN_ROME = "18 degrees and sunny in Rome"

ROWS = [
    Row(
        id="each event comes once and in order",
        streams=[
            [OPENED, said("1-2", "a"), StatusCode.UNAVAILABLE],
            [said("1-2", "-"), said("1-10", " b"), StatusCode.CANCELLED],
            [StatusCode.INTERNAL],
            [said("1-9", "-"), said("1-10", "-"), said("1-11", " c"), StatusCode.UNKNOWN],
            [event("2-1", message_incomplete=Message()), event("2-2", run_completed=RUN)],
        ],
        printed=["answer: a b c", "status: completed"],
        asked=["", "1-2", "1-10", "1-10", "1-11"],
    ),
    Row(
        id="broken before the first event",
        streams=[
            [StatusCode.UNAVAILABLE],
            [ComeAgain(StatusCode.RESOURCE_EXHAUSTED, 1)],
            [ComeAgain(StatusCode.UNAVAILABLE, 1)],
            [StatusCode.ABORTED],
            [END],
        ],
        printed=["status: completed"],
        asked=["", "", "", "", ""],
    ),
    Row(
        id="batches of which a part has been seen",
        streams=[
            [[OPENED, said("1-2", "a"), said("1-3", " b")], StatusCode.UNAVAILABLE],
            [[said("1-2", "-"), said("1-3", "-"), said("1-4", " c")], StatusCode.UNAVAILABLE],
            [[said("1-4", "-")], [], [event("1-5", message_completed=Message()), END]],
        ],
        printed=["answer: a b c", "status: completed"],
        asked=["", "1-3", "1-4"],
    ),
    Row(
        id="events of a later version are passed by",
        streams=[[[OPENED, RunEvent(id="1-2"), said("1-3", "a"), RunEvent(id="1-4")], [END]]],
        printed=["answer: astatus: completed"],
        asked=[""],
    ),
    Row(
        id="broken after the end",
        streams=[[END, StatusCode.UNAVAILABLE]],
        printed=["status: completed"],
        asked=[""],
    ),
    Row(
        id="a call is answered once, though the answer was lost",
        streams=[[ASKED], [], [event("2-1", run_completed=RUN)]],
        refusals=[StatusCode.UNAVAILABLE],
        printed=["call: weather in Rome", "status: completed"],
        asked=["", "1-2", "1-2"],
        outputs=[IN_ROME, IN_ROME],
    ),
    Row(
        id="a submission was taken, though the answer was lost",
        streams=[[ASKED], [ASKED], [event("2-1"), event("2-2", run_completed=RUN)]],
        refusals=[StatusCode.UNAVAILABLE, StatusCode.FAILED_PRECONDITION],
        printed=["call: weather in Rome", "status: completed"],
        asked=["", "1-2", "1-2"],
        outputs=[IN_ROME, IN_ROME],
    ),
    Row(
        id="a run that asks twice is answered twice",
        streams=[[ASKED], [[event("2-1"), ASKED_AGAIN]], [event("3-1", run_completed=RUN)]],
        printed=["call: weather in Rome", "call: weather in Oslo", "status: completed"],
        asked=["", "1-2", "2-2"],
        outputs=[IN_ROME, "18 degrees and sunny in Oslo"],
    ),
    Row(
        id="a core that dies before the submission, and one that has no room for it",
        streams=[[ASKED], [StatusCode.UNAVAILABLE], [], [], [event("2-1", run_completed=RUN)]],
        refusals=[StatusCode.UNAVAILABLE, ComeAgain(StatusCode.RESOURCE_EXHAUSTED, 1)],
        printed=["call: weather in Rome", "status: completed"],
        asked=["", "1-2", "1-2", "1-2", "1-2"],
        outputs=[IN_ROME, IN_ROME, IN_ROME],
    ),
    *(
        Row(
            id=f"{status} while the function worked",
            streams=[[ASKED], [end]],
            refusals=[StatusCode.FAILED_PRECONDITION],
            printed=["call: weather in Rome", f"status: {status}"],
            asked=["", "1-2"],
            outputs=[IN_ROME],
        )
        for status, end in ENDINGS.items()
        if status in {"cancelled", "expired"}
    ),
    Row(
        id="a call is answered after a break",
        streams=[[ASKED, StatusCode.UNAVAILABLE], [], [event("2-1", run_completed=RUN)]],
        printed=["call: weather in Rome", "status: completed"],
        asked=["", "1-2", "1-2"],
        outputs=[IN_ROME],
    ),
    Row(
        id="a call that was answered long ago",
        streams=[[ASKED, event("2-1"), event("2-2", run_completed=RUN)]],
        printed=["status: completed"],
        asked=[""],
    ),
    Row(
        id="somebody else was quicker",
        streams=[[ASKED], [event("2-1", run_completed=RUN)]],
        refusals=[StatusCode.FAILED_PRECONDITION],
        printed=["call: weather in Rome", "status: completed"],
        asked=["", "1-2"],
        outputs=[IN_ROME],
    ),
    Row(
        id="a run that waits, though no event tells",
        streams=[[], [], [], [event("2-1", run_completed=RUN)]],
        runs=[WORKING, StatusCode.UNAVAILABLE, ASKED.run_requires_action],
        printed=["call: weather in Rome", "status: completed"],
        asked=["", "", "", ""],
        outputs=[IN_ROME],
    ),
    Row(
        id="a call for which there is no function",
        streams=[[event("1-1", run_requires_action=calls(("weather", "{}"), ("unknown", "{}")))]],
        printed=[],
        asked=[""],
    ),
    Row(id="an end that no event tells", streams=[[], []], printed=[], asked=["", ""]),
    *(
        Row(id=f"status {status}", streams=[[end]], printed=[f"status: {status}"], asked=[""])
        for status, end in ENDINGS.items()
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
async def test_scripted(language: str, row: Row, tmp_path: Path) -> None:
    core = ScriptedCore(list(row.streams), refusals=list(row.refusals), runs=list(row.runs))
    async with core.serving(tmp_path) as address:
        done = await ask(language, address, "k", "?")
    assert done.status == 0, done.errors
    assert done.output.splitlines() == ["question: ?", *row.printed]
    assert [request.after for request in core.asked] == row.asked
    assert [given.tool_outputs[0].output for given in core.submitted] == row.outputs
    assert core.keys == {"Bearer k"}


@pytest.mark.parametrize("arguments", ["{", "[]", '"Rome"'])
async def test_arguments_that_are_none_are_told_to_the_model(
    language: str, arguments: str, tmp_path: Path
) -> None:
    asking = event("1-1", run_requires_action=calls(("weather", arguments)))
    core = ScriptedCore([[asking], [event("2-1", run_completed=RUN)]])
    async with core.serving(tmp_path) as address:
        done = await ask(language, address, "k", "?")
    assert done.output == "question: ?\nstatus: completed\n", done.errors
    told = json.loads(core.submitted[0].tool_outputs[0].output)
    assert list(told) == ["error"]


@pytest.mark.parametrize(
    "refusal",
    [
        StatusCode.NOT_FOUND,
        StatusCode.PERMISSION_DENIED,
        StatusCode.UNAUTHENTICATED,
        pytest.param(StatusCode.RESOURCE_EXHAUSTED, id="what is too large"),
        pytest.param(ComeAgain(StatusCode.RESOURCE_EXHAUSTED, 3600), id="too long to wait for"),
    ],
)
async def test_a_refusal_is_not_repeated(language: str, refusal: Refusal, tmp_path: Path) -> None:
    core = ScriptedCore([[OPENED, said("1-2", "a"), refusal]])
    async with core.serving(tmp_path) as address:
        done = await ask(language, address, "k", "?")
    assert done.status != 0
    assert done.output == "question: ?\nanswer: a"
    assert "as scripted" in done.errors
    assert len(core.asked) == 1


@pytest.mark.parametrize(
    "refusal",
    [StatusCode.UNAUTHENTICATED, StatusCode.INVALID_ARGUMENT, StatusCode.RESOURCE_EXHAUSTED],
)
async def test_a_submission_that_is_refused_is_not_repeated(
    language: str, refusal: Refusal, tmp_path: Path
) -> None:
    core = ScriptedCore([[ASKED], []], refusals=[refusal])
    async with core.serving(tmp_path) as address:
        done = await ask(language, address, "k", "?")
    assert done.status != 0
    assert done.output == "question: ?\ncall: weather in Rome\n"
    assert "as scripted" in done.errors
    assert len(core.submitted) == 1
