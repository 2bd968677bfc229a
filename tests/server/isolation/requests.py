"""A good request for every method of the contract that names an object, from the ids of one project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.server.isolation.belongings import Ids, part_of

Make = Callable[[Ids], Any]

_USER = "MESSAGE_ROLE_USER"


def _message(i: Ids) -> dict[str, Any]:
    return {
        "role": _USER,
        "content": {"parts": {"parts": [{"image_file": {"file_id": i.file}}]}},
        "attachments": [{"file_id": i.file, "tools": [{"code_interpreter": {}}]}],
    }


def _resources(i: Ids) -> dict[str, Any]:
    return {
        "code_interpreter": {"file_ids": [i.file]},
        "file_search": {"vector_store_ids": [i.vector_store]},
    }


def _helper(i: Ids) -> dict[str, Any]:
    return {"file_search": {"vector_stores": [{"file_ids": [i.file]}]}}


def _run(i: Ids) -> dict[str, Any]:
    return {
        "thread_id": i.thread,
        "assistant_id": i.assistant,
        "additional_messages": [_message(i)],
    }


def _thread_and_run(i: Ids) -> dict[str, Any]:
    thread = {"messages": [_message(i)], "tool_resources": _resources(i)}
    return {"assistant_id": i.assistant, "thread": thread}


def _outputs(i: Ids) -> dict[str, Any]:
    outputs = [{"tool_call_id": "call_1", "output": "x"}]
    return {"thread_id": i.thread, "run_id": i.run, "tool_outputs": outputs}


def _in_thread(**more: str) -> Make:
    return lambda i: {"thread_id": i.thread} | {name: getattr(i, of) for name, of in more.items()}


def _in_store(**more: str) -> Make:
    return lambda i: (
        {"vector_store_id": i.vector_store} | {name: getattr(i, of) for name, of in more.items()}
    )


METADATA = {"metadata": {"a": "b"}}

REQUESTS: dict[str, list[Make]] = {
    "CreateAssistant": [
        lambda i: {"model": "demo", "tool_resources": _resources(i)},
        lambda i: {"model": "demo", "tool_resources": _helper(i)},
    ],
    "ListAssistants": [lambda i: {"after": i.assistant}, lambda i: {"before": i.assistant}],
    "GetAssistant": [lambda i: {"assistant_id": i.assistant}],
    "ModifyAssistant": [lambda i: {"assistant_id": i.assistant, "tool_resources": _resources(i)}],
    "DeleteAssistant": [lambda i: {"assistant_id": i.assistant}],
    "CreateThread": [
        lambda i: {"messages": [_message(i)], "tool_resources": _resources(i)},
        lambda i: {"tool_resources": _helper(i)},
    ],
    "ListThreads": [lambda i: {"after": i.thread}, lambda i: {"before": i.thread}],
    "GetThread": [_in_thread()],
    "ModifyThread": [lambda i: {"thread_id": i.thread, "tool_resources": _resources(i)}],
    "DeleteThread": [_in_thread()],
    "CreateMessage": [lambda i: {"thread_id": i.thread, **_message(i)}],
    "ListMessages": [
        _in_thread(after="message"),
        _in_thread(before="message"),
        _in_thread(run_id="run"),
    ],
    "GetMessage": [_in_thread(message_id="message")],
    "ModifyMessage": [lambda i: {"thread_id": i.thread, "message_id": i.message, **METADATA}],
    "DeleteMessage": [_in_thread(message_id="message")],
    "CreateRun": [_run],
    "StreamCreateRun": [_run],
    "CreateThreadAndRun": [_thread_and_run],
    "StreamCreateThreadAndRun": [_thread_and_run],
    "ListRuns": [_in_thread(after="run"), _in_thread(before="run")],
    "ListProjectRuns": [lambda i: {"after": i.run}, lambda i: {"before": i.run}],
    "GetRun": [_in_thread(run_id="run")],
    "ModifyRun": [lambda i: {"thread_id": i.thread, "run_id": i.run, **METADATA}],
    "CancelRun": [_in_thread(run_id="run")],
    "SubmitToolOutputs": [_outputs],
    "StreamSubmitToolOutputs": [_outputs],
    "StreamRunEvents": [_in_thread(run_id="run")],
    "ListRunSteps": [
        _in_thread(run_id="run", after="step"),
        _in_thread(run_id="run", before="step"),
    ],
    "GetRunStep": [_in_thread(run_id="run", step_id="step")],
    "GetRunStepModelCall": [_in_thread(run_id="run", step_id="step")],
    "ListFiles": [lambda i: {"after": i.file}],
    "GetFile": [lambda i: {"file_id": i.file}],
    "DeleteFile": [lambda i: {"file_id": i.file}],
    "GetFileContent": [lambda i: {"file_id": i.file}],
    "AddUploadPart": [lambda i: part_of(i.upload)],
    "CompleteUpload": [lambda i: {"upload_id": i.upload, "part_ids": [i.part]}],
    "CancelUpload": [lambda i: {"upload_id": i.upload}],
    "CreateVectorStore": [lambda i: {"file_ids": [i.file]}],
    "ListVectorStores": [lambda i: {"after": i.vector_store}, lambda i: {"before": i.vector_store}],
    "GetVectorStore": [_in_store()],
    "ModifyVectorStore": [lambda i: {"vector_store_id": i.vector_store, "name": "n"}],
    "DeleteVectorStore": [_in_store()],
    "SearchVectorStore": [lambda i: {"vector_store_id": i.vector_store, "query": {"text": "text"}}],
    "CreateVectorStoreFile": [_in_store(file_id="file")],
    "ListVectorStoreFiles": [_in_store(after="file"), _in_store(before="file")],
    "GetVectorStoreFile": [_in_store(file_id="file")],
    "ModifyVectorStoreFile": [
        lambda i: {
            "vector_store_id": i.vector_store,
            "file_id": i.file,
            "attributes": {"a": {"text": "b"}},
        }
    ],
    "DeleteVectorStoreFile": [_in_store(file_id="file")],
    "GetVectorStoreFileContent": [_in_store(file_id="file")],
    "CreateVectorStoreFileBatch": [
        lambda i: {"vector_store_id": i.vector_store, "file_ids": [i.file]},
        lambda i: {"vector_store_id": i.vector_store, "files": [{"file_id": i.file}]},
    ],
    "GetVectorStoreFileBatch": [_in_store(batch_id="batch")],
    "CancelVectorStoreFileBatch": [_in_store(batch_id="batch")],
    "ListFilesInVectorStoreBatch": [
        _in_store(batch_id="batch", after="file"),
        _in_store(batch_id="batch", before="file"),
    ],
    "ListKeys": [lambda i: {"after": i.key}, lambda i: {"before": i.key}],
    "RotateKey": [lambda i: {"key_id": i.key, "overlap": 3_600}],
    "RevokeKey": [lambda i: {"key_id": i.key, "with_created": True}],
}

NAMES_NOTHING = frozenset(
    {"CreateFile", "CreateUpload", "ListModels", "GetModel", "DeleteModel", "CheckKey", "CreateKey"}
)
"""Methods whose requests name no object of a project."""
