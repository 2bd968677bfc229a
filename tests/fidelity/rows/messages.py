"""Messages."""

from __future__ import annotations

from tests.fidelity.rows.words import KEPT, NO_CITATIONS, NO_FILES, SHOWN, outcome
from tests.fidelity.verdicts import Table, constant, honoured, refused

_ATTACHED = refused(
    "404, since no file has any id yet: there are no files here. An empty list is accepted."
)
_IMAGE = refused(
    "404, since no file has any id yet. Give images as `image_url`, also as a data URL."
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
        "attachments": _ATTACHED,
        "attachments[].file_id": _ATTACHED,
        "attachments[].tools": _ATTACHED,
        "attachments[].tools[] (AssistantToolsCode)": _ATTACHED,
        "attachments[].tools[] (AssistantToolsFileSearchTypeOnly)": _ATTACHED,
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
    "AssistantToolsFileSearchTypeOnly": {"type": _ATTACHED},
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
        "content[] (MessageContentImageFileObject)": NO_FILES,
        "content[] (MessageContentImageUrlObject)": honoured("Only in messages that a user added."),
        "content[] (MessageContentTextObject)": SHOWN,
        "content[] (MessageContentRefusalObject)": SHOWN,
        "assistant_id": honoured("null for messages that a user added."),
        "run_id": honoured("null for messages that a user added."),
        "attachments": constant([], "There are no files here yet."),
        "attachments[].file_id": NO_FILES,
        "attachments[].tools": NO_FILES,
        "attachments[].tools[] (AssistantToolsCode)": NO_FILES,
        "attachments[].tools[] (AssistantToolsFileSearchTypeOnly)": NO_FILES,
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
