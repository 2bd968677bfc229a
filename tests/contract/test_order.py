"""Which of several faults is told: the path, the verb, the key, the beta header, and only then the rest."""

from __future__ import annotations

import base64

import pytest

from tests.contract.cases import Case
from tests.contract.client import Answer, Api
from tests.contract.transport_cases import KEYS, MODELS, NO_KEY, OPERATIONS, ROUTES, WRONG_KEY
from tests.contract.world import World

_WRONG = "not-a-re" + "x" * 26 + "ized"
_BROKEN = b'{"broken'

_HEADERS: dict[str, dict[str, str | None]] = {
    "no key": {"Authorization": None, "OpenAI-Beta": None},
    "bad key": {"Authorization": f"Bearer {_WRONG}", "OpenAI-Beta": None},
    "missing beta header": {"OpenAI-Beta": None},
}


def _told(answer: Answer, case: Case) -> None:
    error = {"message": case.message, "type": case.type, "param": case.param, "code": case.code}
    assert (answer.status, answer.error) == (case.status, error)


@pytest.mark.parametrize("case", KEYS, ids=lambda case: case.name)
async def test_a_key_and_the_beta_header_come_before_everything_in_the_request(
    looker: Api, world: World, case: Case
) -> None:
    headers = _HEADERS[case.row]
    path = world.fill(case.path)
    _told(await looker.call(case.method, path, headers=headers), case)
    absent = path.replace(world.ids["thread"], "xyz")
    worse = await looker.call(case.method, f"{absent}?limit=x&z=1", raw=_BROKEN, headers=headers)
    _told(worse, case)


@pytest.mark.parametrize("case", ROUTES, ids=lambda case: case.name)
async def test_path_and_verb_come_before_the_key(looker: Api, world: World, case: Case) -> None:
    case_ = world.fill(case.message)
    for headers in ({}, _HEADERS["no key"], _HEADERS["bad key"]):
        answer = await looker.call(
            case.method, world.fill(case.path) + "?q=1", raw=_BROKEN, headers=headers
        )
        assert answer.status == case.status
        assert answer.error == {"message": case_, "type": case.type, "param": None, "code": None}


async def test_what_a_wrong_method_may_be_is_told(looker: Api) -> None:
    answer = await looker.call("PUT", "/assistants")
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(("method", "path"), MODELS[:1])
async def test_models_want_no_beta_header(looker: Api, method: str, path: str) -> None:
    assert (await looker.call(method, path, headers={"OpenAI-Beta": None})).status == 200


@pytest.mark.parametrize(
    ("beta", "accepted"),
    [
        ("assistants=v2", True),
        ("responses=v1, assistants=v2", True),
        ("assistants=v2,realtime=v1", True),
        ("assistants=v1", False),
        ("", False),
        ("assistants", False),
    ],
)
async def test_the_beta_header_may_be_a_list(looker: Api, beta: str, accepted: bool) -> None:
    answer = await looker.call("GET", "/assistants", headers={"OpenAI-Beta": beta})
    assert answer.status == (200 if accepted else 400)


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {key}"},
        {"Authorization": "bearer {key}"},
        {"Authorization": "Bearer   {key}  "},
        {"Authorization": ":{key}"},
        {"Authorization": None, "api-key": "{key}"},
    ],
    ids=str,
)
async def test_ways_to_give_a_key(
    looker: Api, world: World, headers: dict[str, str | None]
) -> None:
    given = {name: value and value.format(key=world.key) for name, value in headers.items()}
    if (text := given["Authorization"]) and text.startswith(":"):
        given["Authorization"] = _basic(text)
    assert (await looker.call("GET", "/assistants", headers=given)).status == 200


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        ("", NO_KEY),
        ("Bearer", NO_KEY),
        ("Bearer ", NO_KEY),
        ("Token x", NO_KEY),
        (_basic(":"), NO_KEY),
        ("Basic !!!", NO_KEY),
        ("Bearer short", WRONG_KEY.format("*****")),
        ("Bearer exactly12chr", WRONG_KEY.format("************")),
        ("Bearer thirteenchars", WRONG_KEY.format("thirteen*hars")),
        (_basic(":from-the-password-field"), WRONG_KEY.format("from-the***********ield")),
        ("Bearer sk-ключ-ключ-ключ-ключ", None),
        ("Bearer " + "k" * 5000, None),
    ],
)
async def test_words_about_keys(looker: Api, authorization: str, message: str | None) -> None:
    answer = await looker.call("GET", "/assistants", headers={"Authorization": authorization})
    assert answer.status == 401
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error["code"] == (None if message == NO_KEY else "invalid_api_key")
    if message is not None:
        assert answer.error["message"] == message


@pytest.mark.parametrize(
    ("method", "path"),
    [operation for operation in OPERATIONS if "<" in operation[1]],
    ids=" ".join,
)
async def test_what_belongs_to_another_project_does_not_exist(
    api: Api, world: World, method: str, path: str
) -> None:
    bodies = {
        "messages": {"role": "user", "content": "x"},
        "runs": {"assistant_id": world.ids["assistant"]},
        "submit_tool_outputs": {"tool_outputs": []},
    }
    body = bodies.get(path.rpartition("/")[2]) if method == "POST" else None
    answer = await api.call(method, world.fill(path), body)
    assert answer.status == 404
    assert answer.error["message"].startswith("No ")


async def test_lists_show_only_the_project(api: Api, world: World) -> None:
    for path in ("/assistants", "/threads", "/runs"):
        assert (await api.get(path))["data"] == []
        answer = await api.call("GET", f"{path}?after={world.ids[path[1:-1]]}")
        assert answer.status == 404
