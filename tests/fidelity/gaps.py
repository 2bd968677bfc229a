"""What is not honoured, in the words of somebody who wants to know whether an application will work."""

from __future__ import annotations

from dataclasses import dataclass

_REFUSED = "tests/fidelity/test_refusals.py::test_the_error_names_it[{}]"
_ABSENT = "tests/fidelity/test_responses.py::test_it_never_comes[{}]"
_FIXED = "tests/fidelity/test_responses.py::test_it_never_changes[{}]"
_RUN = "/threads/<thread>/runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    says: str
    tests: tuple[str, ...]


GAPS: tuple[Gap, ...] = (
    Gap(
        says="**`file_search` and `code_interpreter`** may be given to an assistant, which keeps them. A run with such "
        "a tool, its own or its assistant's, is refused with 400, naming `tools[i].type`. "
        "`UNDERSTUDY_UNAVAILABLE_TOOLS=ignore` runs it without the tool. Until they are there, no step, message or "
        "stream has a call of theirs, a result, or a citation.",
        tests=(
            _REFUSED.format(f"{_RUN} tools file_search"),
            _REFUSED.format(f"{_RUN} tools code_interpreter"),
            _REFUSED.format(f"{_RUN} assistant with file_search"),
            _REFUSED.format(f"{_RUN} assistant with code_interpreter"),
            "tests/server/runs/test_spec.py::test_hosted_tools_are_refused_or_dropped",
        ),
    ),
    Gap(
        says="**`tool_choice`** cannot force `file_search` or `code_interpreter`: 400, naming `tool_choice`.",
        tests=(
            _REFUSED.format(f"{_RUN} tool_choice file_search"),
            _REFUSED.format(f"{_RUN} tool_choice code_interpreter"),
        ),
    ),
    Gap(
        says="**Files and vector stores that nobody has**, in `attachments`, `image_file` and `tool_resources`, are "
        "refused with 404, naming the id: a reference is never stored and ignored.",
        tests=(
            _REFUSED.format("/threads/<thread>/messages attachments"),
            _REFUSED.format("/threads/<thread>/messages content image_file"),
            _REFUSED.format("/assistants tool_resources.code_interpreter.file_ids"),
            _REFUSED.format("/assistants tool_resources.file_search.vector_store_ids"),
            _REFUSED.format("/assistants tool_resources.file_search.vector_stores"),
        ),
    ),
    Gap(
        says="**`include[]`** is accepted with the one word that it may be, and changes nothing, since no step has "
        "results of `file_search`.",
        tests=(
            "tests/fidelity/test_requests.py::test_it_is_taken[POST /threads/{thread_id}/runs?include[]]",
        ),
    ),
    Gap(
        says="**Query parameters that the description does not have**, such as `?cascade=pair`, are refused with "
        "400, naming the parameter.",
        tests=(
            "tests/fidelity/test_gaps.py::test_an_unknown_query_parameter[DELETE /threads/<thread>]",
        ),
    ),
    Gap(
        says="**`metadata` of run steps** is always `{}`: nothing in the API sets it.",
        tests=(_FIXED.format("RunStepObject.metadata"),),
    ),
    Gap(
        says="**In streams**, three things that the description allows are never sent: the role in a message's "
        "deltas (the real API does not send it either), deltas of the step that writes a message (it is whole in "
        "its first event), and the output of a function in a delta (it comes with `thread.run.step.completed`).",
        tests=(
            _ABSENT.format("MessageDeltaObject.delta.role"),
            _ABSENT.format(
                "RunStepDeltaObject.delta.step_details (RunStepDeltaStepDetailsMessageCreationObject)"
            ),
            _FIXED.format("RunStepDeltaStepDetailsToolCallsFunctionObject.function.output"),
        ),
    ),
)
