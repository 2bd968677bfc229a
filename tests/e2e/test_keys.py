"""Keys and their limits as an application meets them: the official SDK, an edge before two cores, the command line."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
import openai
import pytest

from tests.e2e.http import open_http, scripted
from tests.servers import Deployment, deployed, environment
from tests.upstream.threaded import ThreadedUpstream
from understudy.v1.auth_service_pb2 import CheckKeyRequest
from understudy.v1.auth_service_pb2_grpc import AuthServiceStub
from understudy.v1.key_pb2 import CreateKeyRequest
from understudy.v1.keys_service_pb2_grpc import KeysServiceStub

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("keys")]

T = TypeVar("T")

_PROGRAM = Path(sys.executable).with_name("understudy")
_LONGEST = 120.0
"""Seconds for what comes in a few."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """An edge before two cores on one store, and the command line beside them."""

    deployment: Deployment
    variables: dict[str, str]
    folder: Path
    stack: ExitStack

    def keys(self, line: str) -> str:
        """What `understudy keys` prints."""
        done = subprocess.run(
            [str(_PROGRAM), "keys", *line.split()],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def client(self, arguments: str = "", *, key: str = "") -> openai.OpenAI:
        """With a key that was made with these arguments."""
        key = key or self.keys(f"create {arguments}")
        client = openai.OpenAI(base_url=self.deployment.url, api_key=key, max_retries=0)
        return self.stack.enter_context(client)

    def check(self, core: int, key: str) -> grpc.StatusCode:
        """What one of the cores says of a key."""
        with grpc.insecure_channel(self.deployment.processes[core].facts["gRPC"]) as channel:
            try:
                AuthServiceStub(channel).CheckKey(
                    CheckKeyRequest(), metadata=(("authorization", f"Bearer {key}"),)
                )
            except grpc.RpcError as error:
                code: grpc.StatusCode = error.code()
                return code
        return grpc.StatusCode.OK


@pytest.fixture(scope="module")
def running(
    upstream: ThreadedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Deployment, dict[str, str], Path]]:
    folder = tmp_path_factory.mktemp("keys")
    store = f"sqlite:///{folder / 'store.db'}?shared=true"
    with deployed("cores+edge", folder, upstream, store=store) as deployment:
        yield deployment, environment(folder, upstream, store), folder


@pytest.fixture
def server(running: tuple[Deployment, dict[str, str], Path]) -> Iterator[Server]:
    deployment, variables, folder = running
    before = deployment.sizes()
    with ExitStack() as stack:
        yield Server(deployment=deployment, variables=variables, folder=folder, stack=stack)
    print(deployment.output(before))  # noqa: T201  (pytest shows it with a failure)


def until(found: Callable[[], T | None]) -> T:
    """The first answer that is one; asked again and again."""
    end = time.monotonic() + _LONGEST
    while (answer := found()) is None:
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
    return answer


def refused(call: Callable[[], object]) -> openai.RateLimitError:
    """The refusal that comes sooner or later; the minute or day may end before the first one."""

    def attempt() -> openai.RateLimitError | None:
        try:
            call()
        except openai.RateLimitError as error:
            return error
        return None

    return until(attempt)


def begin(client: openai.OpenAI, model: str = "demo/demo", **thread: Any) -> Any:
    assistant = client.beta.assistants.create(
        model=model, tools=[{"type": "function", "function": {"name": "f"}}]
    )
    runs: Any = client.beta.threads
    return runs.create_and_run(assistant_id=assistant.id, thread=thread)


def ratelimits(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("x-ratelimit-")}


def test_a_key_that_lacks_a_scope(server: Server) -> None:
    writer = server.client("--scopes write,run")
    assistant = writer.beta.assistants.create(model="demo/demo")
    reader = server.client("--scopes read")
    assert reader.beta.assistants.retrieve(assistant.id).id == assistant.id
    thread = writer.beta.threads.create()
    for scope, call in (
        ("read", lambda: writer.beta.assistants.retrieve(assistant.id)),
        ("write", lambda: reader.beta.assistants.create(model="demo/demo")),
        ("write", lambda: reader.beta.threads.delete(thread.id)),
        (
            "run",
            lambda: reader.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id),
        ),
    ):
        with pytest.raises(openai.PermissionDeniedError) as caught:
            call()
        error = caught.value
        assert error.status_code == 403
        assert error.body == {
            "message": "You have insufficient permissions for this operation."
            f" Missing scopes: {scope}. Check that the API key has the necessary scopes.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
        assert error.request_id
    # What is wrong with a request is told to whoever has a good key.
    with pytest.raises(openai.BadRequestError):
        writer.beta.assistants.create(model=5)  # type: ignore[arg-type]  # on purpose
    run = writer.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id)
    assert run.status == "queued"


def test_requests_of_a_minute(server: Server) -> None:
    client = server.client("--requests-per-minute 3")
    raw = client.models.with_raw_response.list()
    told = ratelimits(raw.headers)
    assert told["x-ratelimit-limit-requests"] == "3"
    assert told["x-ratelimit-remaining-requests"] in "012"
    assert re.fullmatch(r"(1m0|\d{1,2}(\.\d{1,3})?|\d{1,3}m)s", told["x-ratelimit-reset-requests"])
    assert len(told) == 3

    error = refused(client.models.list)
    assert (error.status_code, error.type, error.param) == (429, "requests", None)
    assert error.code == "rate_limit_exceeded"
    assert error.message.startswith("Error code: 429")
    assert isinstance(error.body, dict)
    assert error.body["message"].startswith(
        "Rate limit reached for requests in project default on requests per min (RPM):"
        " Limit 3, Used 3. Please try again in "
    )
    headers = error.response.headers
    assert 1 <= int(headers["retry-after"]) <= 60
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert len(ratelimits(headers)) == 3
    # Other keys of the same project go on.
    assert not ratelimits(server.client().models.with_raw_response.list().headers)


def test_a_stream_or_an_upload_that_is_refused_is_an_error_like_any_other(server: Server) -> None:
    assistant = server.client().beta.assistants.create(model="demo/demo")
    client = server.client("--requests-per-minute 1")

    def stream() -> None:
        runs: Any = client.beta.threads
        with runs.create_and_run(assistant_id=assistant.id, stream=True) as events:
            assert [event.event for event in events][-1] == "thread.run.completed"

    def upload() -> None:
        client.files.create(file=("a.txt", b"x" * 300_000), purpose="user_data")

    for call in (stream, upload):
        error = refused(call)
        assert (error.status_code, error.type) == (429, "requests")
        assert ratelimits(error.response.headers)["x-ratelimit-remaining-requests"] == "0"


def test_every_kind_of_answer_tells_how_the_key_stands(server: Server) -> None:
    key = server.keys("create --requests-per-minute 1000 --tokens-per-day 1000000")
    names = {
        f"x-ratelimit-{word}-{of}"
        for word in ("limit", "remaining", "reset")
        for of in ("requests", "tokens")
    }
    with open_http(server.deployment.url, key) as http:
        assistant = http.post("/assistants", json={"model": "demo/demo"})
        body = {"assistant_id": assistant.json()["id"], "stream": True}
        file = ("a.txt", b"content")
        uploaded = http.post("/files", data={"purpose": "user_data"}, files={"file": file})
        answers = [
            assistant,
            uploaded,
            http.get(f"/files/{uploaded.json()['id']}/content"),
            http.post("/threads/runs", json=body),
            http.get("/assistants/asst_none"),
            http.post("/assistants", json={"model": 5}),
            http.post("/assistants", content=b"{"),
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 404, 400, 400]
    for answer in answers:
        assert set(ratelimits(answer.headers)) == names, answer.request.url
        assert answer.headers["x-ratelimit-limit-tokens"] == "1000000"


def test_tokens_of_a_day(server: Server) -> None:
    client = server.client("--tokens-per-day 1")
    run = begin(client, messages=[{"role": "user", "content": "Hello!"}])
    assert run.status == "queued"
    error = refused(lambda: begin(client, messages=[{"role": "user", "content": "Hello!"}]))
    assert (error.type, error.code) == ("tokens", "rate_limit_exceeded")
    assert int(error.response.headers["retry-after"]) >= 1
    assert ratelimits(error.response.headers)["x-ratelimit-limit-tokens"] == "1"
    # Everything but a new run goes on.
    client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)


def test_runs_at_a_time_are_counted_over_both_cores(server: Server) -> None:
    client = server.client("--concurrent-runs 1")
    waits = {"messages": [{"role": "user", "content": scripted({"call": "f"})}]}
    run = begin(client, "responses/m", **waits)
    for _ in range(4):  # the edge takes the cores in turns
        with pytest.raises(openai.RateLimitError) as caught:
            begin(client, "responses/m", **waits)
        assert (caught.value.type, caught.value.response.headers["retry-after"]) == (
            "requests",
            "1",
        )

    def waiting() -> Any:
        now = client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
        return now if now.status == "requires_action" else None

    until(waiting)
    client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)

    def begun() -> Any:
        try:
            return begin(client, "responses/m", **waits)
        except openai.RateLimitError:
            return None

    until(begun)


def test_a_model_that_is_not_for_the_key(server: Server) -> None:
    client = server.client("--models demo/demo")
    assert begin(client).status == "queued"
    with pytest.raises(openai.PermissionDeniedError) as caught:
        begin(client, "responses/m")
    assert caught.value.body == {
        "message": "Project `default` does not have access to model `responses/m`",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }


def test_a_revoked_key_is_refused_by_every_core_within_seconds(server: Server) -> None:
    key = server.keys("create --name revoked")
    assert [server.check(core, key) for core in (0, 1)] == [grpc.StatusCode.OK] * 2
    server.keys(f"revoke {key[:18]}...{key[-4:]}")

    def known() -> bool | None:
        codes = {server.check(core, key) for core in (0, 1)}
        return True if codes == {grpc.StatusCode.UNAUTHENTICATED} else None

    assert until(known)


def test_a_key_is_replaced_without_an_interruption(server: Server) -> None:
    old = server.keys("create --name replaced --scopes read --concurrent-runs 3")
    new = server.keys(f"rotate {old[:18]}...{old[-4:]} --overlap 1h")
    assert new != old
    for key in (old, new):
        assert [server.check(core, key) for core in (0, 1)] == [grpc.StatusCode.OK] * 2
    with pytest.raises(openai.PermissionDeniedError):
        server.client(key=new).beta.threads.create()
    newest = server.keys(f"rotate {new[:18]}...{new[-4:]}")

    def gone() -> bool | None:
        codes = {server.check(core, new) for core in (0, 1)}
        return True if codes == {grpc.StatusCode.UNAUTHENTICATED} else None

    assert until(gone)
    assert server.check(0, newest) == grpc.StatusCode.OK


def test_from_its_revocation_an_admin_key_makes_nothing_on_any_core(server: Server) -> None:
    admin = server.keys("create --name admin --scopes admin")
    metadata = (("authorization", f"Bearer {admin}"),)
    addresses = [server.deployment.processes[core].facts["gRPC"] for core in (0, 1)]
    with ExitStack() as stack:
        one, two = (
            KeysServiceStub(stack.enter_context(grpc.insecure_channel(address)))
            for address in addresses
        )
        made = two.CreateKey(CreateKeyRequest(name="made"), metadata=metadata).secret
        again = one.CreateKey(CreateKeyRequest(name="made too"), metadata=metadata).secret
        # Good at once on the other core as well.
        assert [server.check(0, made), server.check(1, again)] == [grpc.StatusCode.OK] * 2
        ended = server.keys(f"revoke --with-created {admin[:18]}...{admin[-4:]}")
        assert len(ended.splitlines()) == 3
        # Both cores remember the key as a good one for some seconds more.
        for stub in (one, two):
            with pytest.raises(grpc.RpcError) as caught:
                stub.CreateKey(CreateKeyRequest(), metadata=metadata)
            error: Any = caught.value
            assert error.code() is grpc.StatusCode.UNAUTHENTICATED

    def gone() -> bool | None:
        codes = {server.check(core, key) for core in (0, 1) for key in (made, again)}
        return True if codes == {grpc.StatusCode.UNAUTHENTICATED} else None

    assert until(gone)


def test_a_key_that_expires(server: Server) -> None:
    key = server.keys("create --name short --expires 8s")

    def expired() -> bool | None:
        codes = {server.check(core, key) for core in (0, 1)}
        return True if codes == {grpc.StatusCode.UNAUTHENTICATED} else None

    assert until(expired)


def test_the_listing_shows_when_a_key_was_used(server: Server) -> None:
    key = server.keys("create --name seldom")
    unused = server.keys("create --name never")
    assert server.check(1, key) == grpc.StatusCode.OK

    def used(name: str) -> str | None:
        """Cells stand at least two blanks apart."""
        (line,) = (line for line in server.keys("list").splitlines() if line.endswith(name))
        _, _, _, scopes, _, expires, use, revoked, limits, maker, _ = re.split(r" {2,}", line)
        assert scopes == "read,write,run"
        assert {expires, revoked, limits, maker} == {"-"}
        return use if use != "-" else None

    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", until(lambda: used("seldom")))
    assert unused
    assert used("never") is None


async def test_two_cores_at_one_moment_grant_no_more_than_the_limit(server: Server) -> None:
    limit = 40
    key = server.keys(f"create --requests-per-minute {limit}")
    addresses = [server.deployment.processes[core].facts["gRPC"] for core in (0, 1)]

    async def call(stub: Any) -> grpc.StatusCode:
        metadata = (("authorization", f"Bearer {key}"),)
        try:
            await stub.CheckKey(CheckKeyRequest(), metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    minute = time.time() // 60
    async with (
        grpc.aio.insecure_channel(addresses[0]) as one,
        grpc.aio.insecure_channel(addresses[1]) as two,
    ):
        stubs = [AuthServiceStub(one), AuthServiceStub(two)]
        codes = await asyncio.gather(*(call(stubs[n % 2]) for n in range(6 * limit)))
    minutes = time.time() // 60 - minute + 1
    assert set(codes) <= {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    granted = codes.count(grpc.StatusCode.OK)
    assert granted <= limit * minutes
    # All asked for more than there was: at most a slice of each core is left in its hands.
    assert granted >= limit - 2 * 2
