"""Vector stores, their files and batches: every object whole."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from tests.contract.client import Answer, Api
from tests.contract.forms import HEADERS, form

COUNTS = '"in_progress":{},"completed":{},"failed":0,"cancelled":0,"total":{}'
STORE = (
    '{{"id":"vs_","object":"vector_store","created_at":0,"name":null,"description":null,'
    '"usage_bytes":0,"file_counts":{{{}}},"status":"{}","expires_after":null,"expires_at":null,'
    '"last_active_at":0,"metadata":{{}}}}'
)
FILE = (
    '{{"id":"file-","object":"vector_store.file","usage_bytes":{},"created_at":0,'
    '"vector_store_id":"vs_","status":"{}","last_error":null,"chunking_strategy":'
    '{{"type":"static","static":{{"max_chunk_size_tokens":800,"chunk_overlap_tokens":400}}}},'
    '"attributes":{}}}'
)
BATCH = (
    '{{"id":"vsfb_","object":"vector_store.files_batch","created_at":0,"status":"{}",'
    '"vector_store_id":"vs_","file_counts":{{{}}}}}'
)
PATIENCE = 600


def _bare(answer: Answer, now: int) -> str:
    """The bytes with ids, and times relative to ``now``, made alike."""
    assert answer.status == 200, answer.body
    text = re.sub(r'"(file-|vs_|vsfb_)[0-9A-Za-z]{24}"', r'"\1"', answer.body.decode())
    return re.sub(r'(_at":)(\d+)', lambda m: f"{m[1]}{_near(int(m[2]) - now)}", text)


def _near(seconds: int) -> int:
    return 0 if -5 < seconds < 60 else seconds


async def _file(api: Api, content: bytes = b"The owl sleeps.") -> str:
    body = form({"purpose": "assistants"}, content)
    answer = await api.call("POST", "/files", raw=body, headers=HEADERS)
    return str(answer.value["id"])


async def _settled(api: Api, path: str) -> dict[str, Any]:
    """The object once nothing of it is in progress any more."""
    for _ in range(PATIENCE * 10):
        value = await api.get(path)
        if value["status"] != "in_progress":
            return dict(value)
        await asyncio.sleep(0.1)
    raise AssertionError(f"{path} stays in progress")


async def test_store(api: Api) -> None:
    made = await api.call("POST", "/vector_stores", {})
    now, path = made.value["created_at"], f"/vector_stores/{made.value['id']}"
    empty = STORE.format(COUNTS.format(0, 0, 0), "completed")
    assert _bare(made, now) == empty
    assert _bare(await api.call("GET", path), now) == empty
    ends = '"first_id":"vs_","last_id":"vs_","has_more":false}'
    page = _bare(await api.call("GET", "/vector_stores"), now)
    assert page == f'{{"object":"list","data":[{empty}],{ends}'
    changed = await api.post(
        path,
        {
            "name": "n",
            "metadata": {"k": "v"},
            "expires_after": {"anchor": "last_active_at", "days": 2},
        },
    )
    assert changed["expires_at"] == changed["last_active_at"] + 2 * 24 * 3600
    cleared = await api.call("POST", path, {"name": None, "metadata": None, "expires_after": None})
    assert _bare(cleared, now) == empty
    gone = await api.call("DELETE", path)
    assert _bare(gone, 0) == '{"id":"vs_","object":"vector_store.deleted","deleted":true}'
    assert (await api.get("/vector_stores"))["data"] == []


async def test_file(api: Api) -> None:
    store, file = await api.post("/vector_stores", {}), await _file(api)
    path = f"/vector_stores/{store['id']}/files"
    made = await api.call("POST", path, {"file_id": file})
    now = made.value["created_at"]
    assert _bare(made, now) == FILE.format(0, "in_progress", "{}")
    done = await _settled(api, f"{path}/{file}")
    assert (done["status"], done["last_error"], done["usage_bytes"] > 0) == (
        "completed",
        None,
        True,
    )
    changed = await api.call(
        "POST", f"{path}/{file}", {"attributes": {"a": "x", "b": 1.5, "c": True}}
    )
    shown = FILE.format(done["usage_bytes"], "completed", '{"a":"x","b":1.5,"c":true}')
    assert _bare(changed, now) == shown
    assert _bare(await api.call("GET", f"{path}/{file}"), now) == shown
    ends = '"first_id":"file-","last_id":"file-","has_more":false}'
    for query in ("", "?filter=completed", "?order=asc&limit=1"):
        page = _bare(await api.call("GET", f"{path}{query}"), now)
        assert page == f'{{"object":"list","data":[{shown}],{ends}'
    assert (await api.get(f"{path}?filter=failed"))["data"] == []
    cleared = await api.post(f"{path}/{file}", {"attributes": None})
    assert cleared["attributes"] == {}
    content = await api.call("GET", f"{path}/{file}/content")
    assert content.value == {
        "object": "vector_store.file_content.page",
        "data": [{"type": "text", "text": "The owl sleeps."}],
        "has_more": False,
        "next_page": None,
    }
    gone = await api.call("DELETE", f"{path}/{file}")
    assert _bare(gone, 0) == '{"id":"file-","object":"vector_store.file.deleted","deleted":true}'
    assert (await api.get(f"/files/{file}"))["status"] == "processed"
    assert (await api.get(f"/vector_stores/{store['id']}"))["usage_bytes"] == 0


async def test_batch(api: Api) -> None:
    store, files = await api.post("/vector_stores", {}), [await _file(api) for _ in range(2)]
    path = f"/vector_stores/{store['id']}/file_batches"
    made = await api.call("POST", path, {"file_ids": files})
    now = made.value["created_at"]
    # Work may have begun, and ended, since.
    assert re.fullmatch(r'.*"in_progress":\d,"completed":\d,.*"total":2.*', _bare(made, now))
    await _settled(api, f"{path}/{made.value['id']}")
    done = await api.call("GET", f"{path}/{made.value['id']}")
    assert _bare(done, now) == BATCH.format("completed", COUNTS.format(0, 2, 2))
    listed = await api.get(f"{path}/{made.value['id']}/files?order=asc&filter=completed")
    assert [file["id"] for file in listed["data"]] == files
    answer = await api.call("POST", f"{path}/{made.value['id']}/cancel")
    assert answer.status == 400
    assert answer.error["message"] == (
        "Cannot cancel vector store file batch with status 'completed'."
    )
    whole = await api.get(f"/vector_stores/{store['id']}")
    assert whole["file_counts"]["completed"] == 2


async def test_cancelled_batch(api: Api) -> None:
    """Whichever is quicker: what is shown fits together."""
    store = await api.post("/vector_stores", {})
    files = [await _file(api) for _ in range(5)]
    path = f"/vector_stores/{store['id']}/file_batches"
    new = [{"file_id": id, "attributes": {"n": number}} for number, id in enumerate(files)]
    batch = await api.post(path, {"files": new})
    answer = await api.call("POST", f"{path}/{batch['id']}/cancel")
    if answer.status == 200:
        assert answer.value["status"] == "cancelled"
        assert answer.value["file_counts"]["in_progress"] == 0
    else:
        assert answer.error["message"].endswith("with status 'completed'.")
    listed = await api.get(f"{path}/{batch['id']}/files?order=asc")
    assert [file["attributes"] for file in listed["data"]] == [{"n": number} for number in range(5)]


async def test_a_store_that_comes_with_a_thread(api: Api) -> None:
    file = await _file(api)
    resources = {"file_search": {"vector_stores": [{"file_ids": [file]}]}}
    thread = await api.post("/threads", {"tool_resources": resources})
    (store,) = thread["tool_resources"]["file_search"]["vector_store_ids"]
    shown = await api.get(f"/vector_stores/{store}")
    assert shown["expires_after"] == {"anchor": "last_active_at", "days": 7}
    other = await _file(api)
    attached = [{"file_id": other, "tools": [{"type": "file_search"}]}]
    body = {"role": "user", "content": "x", "attachments": attached}
    said = await api.post(f"/threads/{thread['id']}/messages", body)
    assert said["attachments"] == attached
    listed = await api.get(f"/vector_stores/{store}/files?order=asc")
    assert [found["id"] for found in listed["data"]] == [file, other]
    assistant = await api.assistant(tool_resources=resources)
    (own,) = assistant["tool_resources"]["file_search"]["vector_store_ids"]
    assert (await api.get(f"/vector_stores/{own}"))["expires_after"] is None
