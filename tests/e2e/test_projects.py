"""What belongs to one key's project does not exist for another's, on any route that there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.e2e.conftest import Site
from tests.e2e.http import open_http, scripted

_OF_THE_SERVER = "/v1/models"
"""Models belong to no project."""


@pytest.fixture
def owner(site: Site) -> Iterator[httpx2.Client]:
    with open_http(site.url, site.deployment.key) as http:
        yield http


@pytest.fixture
def stranger(site: Site) -> Iterator[httpx2.Client]:
    with open_http(site.url, site.deployment.other_key) as http:
        yield http


@pytest.fixture
def ids(owner: httpx2.Client) -> dict[str, str]:
    """One object of each kind, by the name that paths have for it, with a run that waits."""

    def post(path: str, **body: Any) -> dict[str, Any]:
        response = owner.post(path, json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    tool = {"type": "function", "function": {"name": "f"}}
    assistant = post("/assistants", model="responses/m", tools=[tool])
    message = {"role": "user", "content": scripted({"call": "f"})}
    thread = post("/threads", messages=[message])
    run = post(f"/threads/{thread['id']}/runs", assistant_id=assistant["id"], wait=True)
    steps = owner.get(f"/threads/{thread['id']}/runs/{run['id']}/steps").json()
    messages = owner.get(f"/threads/{thread['id']}/messages").json()
    purpose = {"purpose": "assistants"}
    file = owner.post("/files", files={"file": ("a.txt", b"text")}, data=purpose).json()
    announced = {"filename": "b.txt", "bytes": 4, "mime_type": "text/plain", **purpose}
    store = post("/vector_stores", name="s")
    batch = post(f"/vector_stores/{store['id']}/file_batches", file_ids=[file["id"]])
    place = f"/vector_stores/{store['id']}/file_batches/{batch['id']}"
    while owner.get(place).json()["file_counts"]["in_progress"]:
        pass
    return {
        "file_id": file["id"],
        "upload_id": post("/uploads", **announced)["id"],
        "vector_store_id": store["id"],
        "batch_id": batch["id"],
        "assistant_id": assistant["id"],
        "thread_id": thread["id"],
        "message_id": messages["data"][0]["id"],
        "run_id": run["id"],
        "step_id": steps["data"][0]["id"],
        "tool_call_id": run["required_action"]["submit_tool_outputs"]["tool_calls"][0]["id"],
    }


def _body(method: str, path: str, ids: dict[str, str]) -> dict[str, Any] | None:
    """What the owner of these objects would send there."""
    if method != "post":
        return None
    output = {"tool_call_id": ids["tool_call_id"], "output": "x"}
    ends: dict[str, dict[str, Any] | None] = {
        "/messages": {"role": "user", "content": "hi"},
        "/runs": {"assistant_id": ids["assistant_id"]},
        "/submit_tool_outputs": {"tool_outputs": [output]},
        "/cancel": None,
        "/complete": {"part_ids": ["part_1"]},
        "/search": {"query": "text"},
        "/file_batches": {"file_ids": [ids["file_id"]]},
        "/files": {"file_id": ids["file_id"]},
        "/files/{file_id}": {"attributes": {"a": "b"}},
    }
    return next(
        (body for end, body in ends.items() if path.endswith(end)), {"metadata": {"a": "b"}}
    )


def test_no_route_shows_what_is_anothers(
    owner: httpx2.Client, stranger: httpx2.Client, ids: dict[str, str]
) -> None:
    document = owner.get("/../openapi.json").json()
    operations = [
        (method, path)
        for path, methods in document["paths"].items()
        for method in methods
        if path.startswith("/v1/") and not path.startswith(_OF_THE_SERVER)
    ]
    assert len(operations) > 20
    for method, template in operations:
        names = re.findall(r"{(\w+)}", template)
        path = template.removeprefix("/v1").format_map(ids)
        if not names and method == "post":
            continue  # creates something of one's own
        if template.endswith("/parts"):
            response = stranger.post(path, files={"data": ("upload", b"text")})
        else:
            response = stranger.request(method, path, json=_body(method, template, ids))
        if names:
            assert response.status_code == 404, (method, template, response.text)
            assert set(re.findall(r"'(\w+)'", response.text)) <= {ids[name] for name in names}
        else:
            assert response.status_code == 200, (method, template, response.text)
            assert not [id for id in ids.values() if id in response.text], template
    # None of that has changed anything for its owner, and what was asked for is there.
    for method, template in operations:
        if method == "get" and not template.endswith("/events"):
            response = owner.get(template.removeprefix("/v1").format_map(ids))
            assert response.status_code == 200, (template, response.text)
    run = owner.get("/threads/{thread_id}/runs/{run_id}".format_map(ids)).json()
    assert (run["status"], run["metadata"]) == ("requires_action", {})


def test_a_foreign_id_in_a_body_or_a_query_is_not_there(
    stranger: httpx2.Client, ids: dict[str, str]
) -> None:
    thread = stranger.post("/threads", json={}).json()
    run = {"assistant_id": ids["assistant_id"]}
    for response in (
        stranger.post(f"/threads/{thread['id']}/runs", json=run),
        stranger.post("/threads/runs", json=run),
        stranger.get("/assistants", params={"after": ids["assistant_id"]}),
        stranger.get("/threads", params={"after": ids["thread_id"]}),
        stranger.get("/runs", params={"before": ids["run_id"]}),
        stranger.get(f"/threads/{thread['id']}/messages", params={"after": ids["message_id"]}),
        stranger.get(f"/threads/{thread['id']}/runs", params={"after": ids["run_id"]}),
    ):
        assert response.status_code == 404, response.text
    theirs = stranger.get("/runs", params={"assistant_id": ids["assistant_id"]}).json()
    assert theirs["data"] == []


def test_keys_and_no_keys(site: Site) -> None:
    for key, code in (("sk-none-of-ours", "invalid_api_key"), ("", None)):
        with httpx2.Client(base_url=site.url, timeout=60, trust_env=False) as http:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            response = http.get("/models", headers=headers)
            assert (response.status_code, response.json()["error"]["code"]) == (401, code)
