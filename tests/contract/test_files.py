"""Files and uploads: every object whole, and every refusal of a form."""

from __future__ import annotations

import json
import re
from io import BytesIO
from typing import Any

import pytest

from tests.contract.client import Answer, Api
from tests.contract.file_cases import FORMS, FormCase
from tests.contract.forms import HEADERS, form

FILE = (
    '{"id":"file-","object":"file","purpose":"vision","filename":"a.txt","bytes":5,"created_at":0,'
    '"expires_at":null,"status":"processed","status_details":null}'
)
UPLOAD = (
    '{"id":"upload_","object":"upload","bytes":5,"created_at":0,"filename":"a.txt",'
    '"purpose":"vision","status":"pending","expires_at":3600}'
)


def _bare(answer: Answer, now: int) -> str:
    """The bytes with ids, and times relative to ``now``, made alike."""
    assert answer.status == 200, answer.body
    text = re.sub(r'"(file-|upload_|part_)[0-9A-Za-z]{24}"', r'"\1"', answer.body.decode())
    return re.sub(r'(_at":)(\d+)', lambda m: f"{m[1]}{_near(int(m[2]) - now)}", text)


def _near(seconds: int) -> int:
    return 0 if -5 < seconds < 30 else 3600 if 3595 < seconds < 3630 else seconds


async def _posted(api: Api, path: str, fields: dict[str, str], name: str = "file") -> Answer:
    return await api.call("POST", path, raw=form(fields, name=name), headers=HEADERS)


async def test_file(api: Api) -> None:
    made = await _posted(api, "/files", {"purpose": "vision"})
    now = made.value["created_at"]
    assert _bare(made, now) == FILE
    path = f"/files/{made.value['id']}"
    assert _bare(await api.call("GET", path), now) == FILE
    ends = '"first_id":"file-","last_id":"file-","has_more":false}'
    page = _bare(await api.call("GET", "/files"), now)
    assert page == f'{{"object":"list","data":[{FILE}],{ends}'
    content = await api.call("GET", f"{path}/content")
    assert (content.body, content.headers["Content-Length"]) == (b"hello", "5")
    assert content.headers["Content-Type"] == "application/octet-stream"
    gone = await api.call("DELETE", path)
    assert _bare(gone, now) == '{"id":"file-","object":"file","deleted":true}'
    assert await api.get("/files") == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


async def test_a_file_that_expires(api: Api) -> None:
    after = {"expires_after[seconds]": "3600", "expires_after[anchor]": "created_at"}
    made = await _posted(api, "/files", {"purpose": "vision", **after})
    now = made.value["created_at"]
    assert _bare(made, now) == FILE.replace('"expires_at":null', '"expires_at":3600')


async def test_upload(api: Api) -> None:
    body = {"filename": "a.txt", "purpose": "vision", "bytes": 5, "mime_type": "text/plain"}
    made = await api.call("POST", "/uploads", body)
    now = made.value["created_at"]
    assert _bare(made, now) == UPLOAD
    path = f"/uploads/{made.value['id']}"
    part = await _posted(api, f"{path}/parts", {}, "data")
    assert _bare(part, now) == (
        '{"id":"part_","object":"upload.part","created_at":0,"upload_id":"upload_"}'
    )
    done = await api.call("POST", f"{path}/complete", {"part_ids": [part.value["id"]]})
    completed = UPLOAD.replace('"pending"', '"completed"')
    assert _bare(done, now) == f'{completed[:-1]},"file":{FILE}}}'
    other = await api.post("/uploads", body)
    cancelled = await api.call("POST", f"/uploads/{other['id']}/cancel")
    assert _bare(cancelled, now) == UPLOAD.replace('"pending"', '"cancelled"')


@pytest.mark.parametrize("case", FORMS, ids=lambda case: case.name)
async def test_refused_form(api: Api, case: FormCase) -> None:
    body = form(case.fields, case.content)
    answer = await api.call(case.method, case.path, raw=body, headers=HEADERS)
    told: dict[str, Any] = {
        "message": case.message,
        "type": case.type,
        "param": case.param,
        "code": case.code,
    }
    assert (answer.status, answer.error) == (case.status, told)
    assert await api.get("/files") == json.loads(
        '{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}'
    )


async def test_json_is_no_form(api: Api) -> None:
    answer = await api.call("POST", "/files", {"purpose": "vision"})
    assert answer.status == 400
    assert "expected multipart/form-data" in answer.error["message"]


async def test_a_file_above_the_limit(api: Api) -> None:
    """The server's own, however little of it has come."""
    body = BytesIO(form({"purpose": "vision"}, bytes(3_000_000)))
    answer = await api.call("POST", "/files", raw=body, headers=HEADERS)
    assert answer.status == 413
    assert answer.error["code"] == "request_too_large"


async def test_a_file_above_the_limit_of_json(api: Api) -> None:
    body = BytesIO(form({"purpose": "vision"}, bytes(1_500_000)))
    answer = await api.call("POST", "/files", raw=body, headers=HEADERS)
    assert answer.value["bytes"] == 1_500_000
