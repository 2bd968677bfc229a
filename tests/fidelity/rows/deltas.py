"""The pieces of messages and steps that a stream brings while they are being made."""

from __future__ import annotations

from tests.fidelity.rows.words import (
    NO_CITATIONS,
    NO_FILES,
    NO_INTERPRETER,
    NO_SEARCH,
    SHOWN,
)
from tests.fidelity.verdicts import Table, absent, constant, honoured

_NO_MESSAGE_DELTA = absent(
    "The step of a message is whole in its first event, so nothing is left to be added to it."
)
_NO_IMAGES = absent("No model behind the server answers with an address of an image.")

ROWS: Table = {
    "MessageDeltaObject": {
        "id": SHOWN,
        "object": SHOWN,
        "delta": SHOWN,
        "delta.role": absent(
            "The real API does not send it either; the role is in `thread.message.created`."
        ),
        "delta.content": SHOWN,
        "delta.content[] (MessageDeltaContentImageFileObject)": NO_FILES,
        "delta.content[] (MessageDeltaContentTextObject)": SHOWN,
        "delta.content[] (MessageDeltaContentRefusalObject)": SHOWN,
        "delta.content[] (MessageDeltaContentImageUrlObject)": _NO_IMAGES,
    },
    "MessageDeltaContentTextObject": {
        "index": SHOWN,
        "type": SHOWN,
        "text": SHOWN,
        "text.value": SHOWN,
        "text.annotations": constant(
            [],
            "In a part's first delta. Annotations come from `file_search` and `code_interpreter`, "
            "which are not there yet.",
        ),
        "text.annotations[] (MessageDeltaContentTextAnnotationsFileCitationObject)": NO_CITATIONS,
        "text.annotations[] (MessageDeltaContentTextAnnotationsFilePathObject)": NO_CITATIONS,
    },
    "MessageDeltaContentRefusalObject": dict.fromkeys(("index", "type", "refusal"), SHOWN),
    "MessageDeltaContentImageFileObject": dict.fromkeys(
        ("index", "type", "image_file", "image_file.file_id", "image_file.detail"), NO_FILES
    ),
    "MessageDeltaContentImageUrlObject": dict.fromkeys(
        ("index", "type", "image_url", "image_url.url", "image_url.detail"), _NO_IMAGES
    ),
    "MessageDeltaContentTextAnnotationsFileCitationObject": dict.fromkeys(
        (
            "index",
            "type",
            "text",
            "file_citation",
            "file_citation.file_id",
            "file_citation.quote",
            "start_index",
            "end_index",
        ),
        NO_CITATIONS,
    ),
    "MessageDeltaContentTextAnnotationsFilePathObject": dict.fromkeys(
        ("index", "type", "text", "file_path", "file_path.file_id", "start_index", "end_index"),
        NO_CITATIONS,
    ),
    "RunStepDeltaObject": {
        "id": SHOWN,
        "object": SHOWN,
        "delta": SHOWN,
        "delta.step_details": SHOWN,
        "delta.step_details (RunStepDeltaStepDetailsMessageCreationObject)": _NO_MESSAGE_DELTA,
        "delta.step_details (RunStepDeltaStepDetailsToolCallsObject)": SHOWN,
    },
    "RunStepDeltaStepDetailsMessageCreationObject": dict.fromkeys(
        ("type", "message_creation", "message_creation.message_id"), _NO_MESSAGE_DELTA
    ),
    "RunStepDeltaStepDetailsToolCallsObject": {
        "type": SHOWN,
        "tool_calls": SHOWN,
        "tool_calls[] (RunStepDeltaStepDetailsToolCallsCodeObject)": NO_INTERPRETER,
        "tool_calls[] (RunStepDeltaStepDetailsToolCallsFileSearchObject)": NO_SEARCH,
        "tool_calls[] (RunStepDeltaStepDetailsToolCallsFunctionObject)": SHOWN,
    },
    "RunStepDeltaStepDetailsToolCallsFunctionObject": {
        "index": SHOWN,
        "id": honoured("In a call's first delta."),
        "type": SHOWN,
        "function": SHOWN,
        "function.name": honoured("In a call's first delta."),
        "function.arguments": SHOWN,
        "function.output": constant(
            None, "In a call's first delta. The output is in `thread.run.step.completed`."
        ),
    },
    "RunStepDeltaStepDetailsToolCallsCodeObject": dict.fromkeys(
        (
            "index",
            "id",
            "type",
            "code_interpreter",
            "code_interpreter.input",
            "code_interpreter.outputs",
            "code_interpreter.outputs[] (RunStepDeltaStepDetailsToolCallsCodeOutputLogsObject)",
            "code_interpreter.outputs[] (RunStepDeltaStepDetailsToolCallsCodeOutputImageObject)",
        ),
        NO_INTERPRETER,
    ),
    "RunStepDeltaStepDetailsToolCallsCodeOutputLogsObject": dict.fromkeys(
        ("index", "type", "logs"), NO_INTERPRETER
    ),
    "RunStepDeltaStepDetailsToolCallsCodeOutputImageObject": dict.fromkeys(
        ("index", "type", "image", "image.file_id"), NO_INTERPRETER
    ),
    "RunStepDeltaStepDetailsToolCallsFileSearchObject": dict.fromkeys(
        ("index", "id", "type", "file_search"), NO_SEARCH
    ),
}
