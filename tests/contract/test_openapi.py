"""The document at `/openapi.json` has every operation of OpenAI's own that is served."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.contract.client import Api

_THEIRS = Path(__file__).with_name("openapi-assistants.normalized.yaml")


def _operations(document: dict[str, Any], prefix: str = "") -> set[tuple[str, str]]:
    verbs = {"get", "post", "delete"}
    return {
        (verb, path.removeprefix(prefix))
        for path, operations in document["paths"].items()
        for verb in operations
        if verb in verbs
    }


async def test_every_operation_is_described(api: Api) -> None:
    async with api.session.get(f"{api.origin}/openapi.json") as response:
        assert response.status == 200
        assert response.headers["content-type"].startswith("application/json")
        ours = _operations(json.loads(await response.read()), "/v1")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    theirs = _operations(yaml.load(_THEIRS.read_bytes(), loader))
    assert theirs <= ours
    assert ours - theirs == {
        ("get", "/health"),
        ("get", "/ready"),
        ("get", "/threads"),
        ("get", "/runs"),
        ("get", "/threads/{thread_id}/runs/{run_id}/events"),
        ("get", "/threads/{thread_id}/runs/{run_id}/steps/{step_id}/request"),
    }
