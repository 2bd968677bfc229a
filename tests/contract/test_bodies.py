"""Bodies as they come over the wire: empty, broken, odd, huge."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import pytest

from tests.contract.catalogue import NOT_JSON
from tests.contract.client import Api
from tests.contract.conftest import BODY_LIMIT
from tests.contract.world import World

_JSON = {"Content-Type": "application/json"}
_CREATED = {"metadata": {"a": "b"}}
_BODY = b'{"metadata":{"a":"b"}}'


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b'{"a":1,}',
        b"{'a':1}",
        b"{}{}",
        b"{}//",
        b"nul",
        b" ",
        b'{"metadata":NaN}',
        b'{"temperature":Infinity}',
        b'{"temperature":-Infinity}',
        b'{"temperature":1e999}',
        b'{"limit":01}',
        b'\xff{"a":1}',
        b'{"metadata":{"k":"\xff"}}',
        b'{"metadata":{"k":"\xed\xa0\x80"}}',
        b'{"metadata":{"k":"\x01"}}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"a=1&b=2",
    ],
    ids=lambda raw: repr(raw[:24]),
)
async def test_what_is_not_json(looker: Api, raw: bytes) -> None:
    for path in ("/threads", "/assistants", "/threads/runs"):
        answer = await looker.call("POST", path, raw=raw, headers=_JSON)
        assert answer.status == 400
        assert answer.error == {
            "message": NOT_JSON,
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }


@pytest.mark.parametrize(
    ("raw", "noun"),
    [
        (b"null", "null"),
        (b"[]", "an array"),
        (b"[" * 500 + b"]" * 500, "an array"),
        (b'"{}"', "a string"),
        (b"1", "an integer"),
        (b"1.5", "a decimal number"),
        (b"123456789012345678901234567890", "a decimal number"),
        (b"false", "a boolean"),
    ],
)
async def test_json_that_is_no_object(looker: Api, raw: bytes, noun: str) -> None:
    answer = await looker.call("POST", "/threads", raw=raw, headers=_JSON)
    assert answer.status == 400
    assert answer.error["message"] == f"Invalid type: expected an object, but got {noun} instead."
    assert (answer.error["param"], answer.error["code"]) == (None, "invalid_type")


async def test_deep_json_where_anything_may_stand(api: Api) -> None:
    """A schema may be as deep as JSON readers go, elsewhere the first level is refused."""
    deep = b'{"a":' * 500 + b"{}" + b"}" * 500
    function = b'{"type":"function","function":{"name":"f","parameters":%b}}' % deep
    answer = await api.call("POST", "/assistants", raw=b'{"model":"m","tools":[%b]}' % function)
    assert answer.status == 200
    assert deep in answer.body
    answer = await api.call("POST", "/threads", raw=b'{"metadata":%b}' % deep)
    assert answer.error["param"] == "metadata.a"


@pytest.mark.parametrize("headers", [{}, _JSON], ids=["no type", "JSON type"])
@pytest.mark.parametrize("raw", [None, b"", b"{}"])
async def test_no_body_where_none_is_needed(
    api: Api, raw: bytes | None, headers: dict[str, str | None]
) -> None:
    made = await api.call("POST", "/threads", raw=raw, headers=headers)
    assert made.status == 200
    path = f"/threads/{made.value['id']}"
    assert (await api.call("GET", path, raw=raw, headers=headers)).status == 200
    assert (await api.call("POST", path, raw=raw, headers=headers)).value == made.value
    cancel = await api.call("POST", f"{path}/runs/run_x/cancel", raw=raw, headers=headers)
    assert cancel.status == 404
    assert (await api.call("DELETE", path, raw=raw, headers=headers)).status == 200


async def test_no_body_where_one_is_needed(looker: Api) -> None:
    answer = await looker.call("POST", "/assistants", raw=b"", headers=_JSON)
    assert answer.error["message"] == "Missing required parameter: 'model'."


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "APPLICATION/JSON",
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/octet-stream",
        "multipart/form-data; boundary=x",
        "nonsense",
    ],
)
async def test_a_body_is_json_whatever_its_type_says(api: Api, content_type: str | None) -> None:
    """`curl -d` sends a form's type unless told otherwise, and people forget to tell it."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await api.call("POST", "/threads", raw=_BODY, headers=headers)
    assert answer.status == 200
    assert answer.value["metadata"] == {"a": "b"}


async def test_of_two_equal_keys_the_last_counts(api: Api) -> None:
    raw = b'{"metadata":{"k":"1"},"metadata":{"k":"2","k":"3"}}'
    assert (await api.call("POST", "/threads", raw=raw)).value["metadata"] == {"k": "3"}
    schema = (
        b'{"type":"function","function":{"name":"f","parameters":{"x":1},"parameters":{"y":2}}}'
    )
    answer = await api.call("POST", "/assistants", raw=b'{"model":"m","tools":[%b]}' % schema)
    assert b'"parameters":{"y":2}' in answer.body


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("256.0", "expected an integer, but got a decimal number instead."),
        ("1e3", "expected an integer, but got a decimal number instead."),
        ("2147483648", "Expected a value <= 2147483647, but got 2147483648 instead."),
        ("-9223372036854775809", "Expected a value >= 256, but got"),
        ("18446744073709551615", "Expected a value <= 2147483647, but got"),
        ("1" * 40, "Expected a value <= 2147483647, but got"),
        ("true", "expected an integer, but got a boolean instead."),
    ],
)
async def test_numbers_that_do_not_fit(looker: Api, number: str, message: str) -> None:
    raw = f'{{"assistant_id":"asst_x","max_prompt_tokens":{number}}}'.encode()
    answer = await looker.call("POST", "/threads/runs", raw=raw)
    assert answer.status == 400
    assert message in answer.error["message"]
    assert answer.error["param"] == "max_prompt_tokens"


async def _chunks(size: int) -> AsyncIterator[bytes]:
    yield b'{"metadata":{"a":"b"}'
    for _ in range(size // 1000):
        yield b" " * 1000
    yield b"}"


async def test_a_body_in_chunks(api: Api) -> None:
    answer = await api.call("POST", "/threads", raw=_chunks(10_000), headers=_JSON)
    assert answer.value["metadata"] == {"a": "b"}


@pytest.mark.parametrize("kind", ["plain", "chunked", "compressed"])
async def test_a_body_over_the_limit(looker: Api, kind: str) -> None:
    size = BODY_LIMIT + 2_000
    padded = _BODY + b" " * size
    headers: dict[str, str | None] = {**_JSON}
    if kind == "compressed":
        headers["Content-Encoding"] = "gzip"
        raw: object = gzip.compress(padded)
    else:
        raw = padded if kind == "plain" else _chunks(size)
    answer = await looker.call("POST", "/threads", raw=raw, headers=headers)
    assert answer.status == 413
    assert answer.error == {
        "message": "The request is larger than this server accepts.",
        "type": "invalid_request_error",
        "param": None,
        "code": "request_too_large",
    }
    wrong = {**headers, "Authorization": None}
    raw = _chunks(size) if kind == "chunked" else raw
    assert (await looker.call("POST", "/threads", raw=raw, headers=wrong)).status == 401


async def test_a_body_at_the_limit(api: Api) -> None:
    raw = _BODY + b" " * (BODY_LIMIT - len(_BODY))
    assert (await api.call("POST", "/threads", raw=raw)).status == 200


async def test_a_compressed_body(api: Api) -> None:
    headers = {**_JSON, "Content-Encoding": "gzip"}
    answer = await api.call("POST", "/threads", raw=gzip.compress(_BODY), headers=headers)
    assert answer.value["metadata"] == {"a": "b"}


async def test_a_body_that_breaks_its_encoding(looker: Api, world: World) -> None:
    headers = {**_JSON, "Content-Encoding": "gzip"}
    answer = await looker.call("POST", "/threads", raw=b"not compressed", headers=headers)
    assert answer.status == 400
    assert answer.error["message"] == "The body of the request could not be decoded."
    assert answer.headers["connection"] == "close"
    assert (await looker.get(f"/threads/{world.ids['thread']}"))["object"] == "thread"
