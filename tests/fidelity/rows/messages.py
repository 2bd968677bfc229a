"""Messages."""

from __future__ import annotations

from tests.fidelity.rows.words import ATTACHED, KEPT, NO_CITATIONS, SHOWN, outcome
from tests.fidelity.verdicts import Table, constant, honoured

_IMAGE = honoured(
    "Sent to the provider as a data URL: PNG, JPEG, GIF and WebP of at most 20 MiB, in one request 50 MiB.",
    "tests/server/runs/test_images.py::test_bytes_become_data_urls",
)
_SAID = outcome("only_that_threads_messages")
_IMAGES = outcome("images_with_their_detail")

ROWS: Table = {
    "CreateMessageRequest": {
        "role": honoured(
            "`system` as well, which is ours.", outcome("additional_messages_join_the_thread")
        ),
        "content": honoured("", _SAID),
        "content (string)": honoured("", _SAID),
        "content (array)": honoured("", _IMAGES),
        "content[] (MessageContentImageFileObject)": _IMAGE,
        "content[] (MessageContentImageUrlObject)": honoured("", _IMAGES),
        "content[] (MessageRequestContentTextObject)": honoured("", _IMAGES),
        "attachments": ATTACHED,
        "attachments[].file_id": ATTACHED,
        "attachments[].tools": ATTACHED,
        "attachments[].tools[] (AssistantToolsCode)": ATTACHED,
        "attachments[].tools[] (AssistantToolsFileSearchTypeOnly)": ATTACHED,
        "metadata": KEPT,
    },
    "MessageContentImageFileObject": dict.fromkeys(
        ("type", "image_file", "image_file.file_id", "image_file.detail"), _IMAGE
    ),
    "MessageContentImageUrlObject": {
        "type": honoured("", _IMAGES),
        "image_url": honoured("", _IMAGES),
        "image_url.url": honoured("Sent to the provider as it is.", _IMAGES),
        "image_url.detail": honoured("", _IMAGES),
    },
    "MessageRequestContentTextObject": {
        "type": honoured("", _IMAGES),
        "text": honoured("", _IMAGES),
    },
    "AssistantToolsFileSearchTypeOnly": {"type": ATTACHED},
    "ModifyMessageRequest": {"metadata": KEPT},
    "MessageObject": {
        "id": honoured("Begins with `msg_`."),
        "object": SHOWN,
        "created_at": SHOWN,
        "thread_id": SHOWN,
        "status": honoured("`in_progress` only in events: a message is kept once it has ended."),
        "incomplete_details": SHOWN,
        "incomplete_details.reason": SHOWN,
        "completed_at": SHOWN,
        "incomplete_at": SHOWN,
        "role": SHOWN,
        "content": SHOWN,
        "content[] (MessageContentImageFileObject)": honoured(
            "Only in messages that a user added."
        ),
        "content[] (MessageContentImageUrlObject)": honoured("Only in messages that a user added."),
        "content[] (MessageContentTextObject)": SHOWN,
        "content[] (MessageContentRefusalObject)": SHOWN,
        "assistant_id": honoured("null for messages that a user added."),
        "run_id": honoured("null for messages that a user added."),
        "attachments": SHOWN,
        "attachments[].file_id": SHOWN,
        "attachments[].tools": SHOWN,
        "attachments[].tools[] (AssistantToolsCode)": SHOWN,
        "attachments[].tools[] (AssistantToolsFileSearchTypeOnly)": SHOWN,
        "metadata": SHOWN,
    },
    "MessageContentTextObject": {
        "type": SHOWN,
        "text": SHOWN,
        "text.value": SHOWN,
        "text.annotations": constant(
            [], "They come from `file_search` and `code_interpreter`, which are not there yet."
        ),
        "text.annotations[] (MessageContentTextAnnotationsFileCitationObject)": NO_CITATIONS,
        "text.annotations[] (MessageContentTextAnnotationsFilePathObject)": NO_CITATIONS,
    },
    "MessageContentRefusalObject": {"type": SHOWN, "refusal": SHOWN},
    "MessageContentTextAnnotationsFileCitationObject": dict.fromkeys(
        ("type", "text", "file_citation", "file_citation.file_id", "start_index", "end_index"),
        NO_CITATIONS,
    ),
    "MessageContentTextAnnotationsFilePathObject": dict.fromkeys(
        ("type", "text", "file_path", "file_path.file_id", "start_index", "end_index"),
        NO_CITATIONS,
    ),
    "ListMessagesResponse": dict.fromkeys(
        ("object", "data", "first_id", "last_id", "has_more"), SHOWN
    ),
    "DeleteMessageResponse": dict.fromkeys(("id", "deleted", "object"), SHOWN),
}
