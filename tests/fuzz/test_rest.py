"""Whatever is sent to the REST face: no fault of the server's, OpenAI's shape, and nothing of anybody else's."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fuzz.cases import ALLOWED_GROWTH, CASES, SEED, WARM
from tests.fuzz.memory import resident
from tests.fuzz.rest import Cases
from understudy_cli.server import Server
from understudy_server.config import CoreConfig

SECRET = "what-only-alpha-may-see"
ROUND = 250
"""Cases after which there are new objects."""

_KEYS = (("key-alpha", "alpha"), ("key-beta", "beta"))
_HEADERS = {"OpenAI-Beta": "assistants=v2"}


async def made(http: aiohttp.ClientSession, word: str) -> dict[str, str]:
    """Objects of one project, by the name that paths have for them."""

    async def post(path: str, **body: Any) -> dict[str, Any]:
        async with http.post(f"/v1{path}", json=body) as response:
            assert response.status == 200, await response.text()
            answer: dict[str, Any] = await response.json()
            return answer

    form = aiohttp.FormData({"purpose": "assistants"})
    form.add_field("file", f"{word} text", filename=f"{word}.txt")
    async with http.post("/v1/files", data=form) as response:
        file = await response.json()
    store = await post("/vector_stores", name=word, file_ids=[file["id"]])
    batch = await post(f"/vector_stores/{store['id']}/file_batches", file_ids=[file["id"]])
    upload = await post(
        "/uploads", filename=f"{word}.txt", purpose="assistants", bytes=4, mime_type="text/plain"
    )
    assistant = await post("/assistants", model="demo", name=word)
    thread = await post("/threads", messages=[{"role": "user", "content": word}])
    run = await post(f"/threads/{thread['id']}/runs", assistant_id=assistant["id"], wait=True)
    return {
        "file_id": file["id"],
        "vector_store_id": store["id"],
        "batch_id": batch["id"],
        "upload_id": upload["id"],
        "assistant_id": assistant["id"],
        "thread_id": thread["id"],
        "run_id": run["id"],
        "model": "demo",
    }


@pytest.mark.timeout(3600)
async def test_no_request_is_the_servers_fault(tmp_path: Path) -> None:
    source = random.Random(f"rest {SEED}")
    statuses: Counter[int] = Counter()
    # On disk, so that what is stored is not counted as memory.
    core = CoreConfig(
        store=f"sqlite:///{tmp_path}/store.db", blobs=str(tmp_path / "files"), api_keys=_KEYS
    )
    async with Server(core=core) as server:
        base = server.url.removesuffix("/v1")
        alpha, beta = (
            aiohttp.ClientSession(base, headers=_HEADERS | {"Authorization": f"Bearer {key}"})
            for key, _ in _KEYS
        )
        async with alpha, beta:
            theirs = await made(alpha, SECRET)
            hidden = [SECRET, *(id for id in theirs.values() if id != "demo")]
            document = await (await beta.get("/openapi.json")).json()
            ids: dict[str, str] = {}
            cases = Cases(source, document, ids)
            before = 0
            for number in range(CASES):
                if number % ROUND == 0:
                    # Every other round the ids are those of the other project.
                    ids.update(await made(beta, "beta") if number % (2 * ROUND) == 0 else theirs)
                if number == min(WARM, CASES // 2):
                    before = resident()
                case = cases.draw()
                async with beta.request(
                    case.method, case.path, params=case.query, **case.options()
                ) as response:
                    body = await response.read()
                statuses[response.status] += 1
                assert response.status < 500, (number, case, body)
                if response.status >= 400 and case.method != "HEAD":
                    error = (await response.json())["error"]
                    assert set(error) == {"message", "type", "param", "code"}, (number, case)
                elif any(text.encode() in body for text in hidden):
                    raise AssertionError(("a leak", number, case, body))
            grown = resident() - before
    print(f"{CASES} cases, {dict(statuses)}, {grown / 1e6:.1f} MB more")  # noqa: T201
    assert statuses[200] > CASES // 50
    assert grown < ALLOWED_GROWTH
