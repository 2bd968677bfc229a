"""KeysService, from request to answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from tests.clock import FakeClock
from tests.server.isolation.belongings import Project, allowed
from understudy.v1 import key_pb2 as pb
from understudy.v1.error_pb2 import ErrorDetail, Reason
from understudy_server.app import open_core
from understudy_server.auth.scopes import SCOPES
from understudy_server.config import ConfiguredKey, CoreConfig
from understudy_server.listening import in_process
from understudy_server.rpc.keys import _SCOPES
from understudy_server.store.memory import MemoryStore

DAY = 86_400


class Running:
    """A core with a project `a`, a clock that the test moves, and calls by any key."""

    def __init__(self, channel: grpc.aio.Channel, clock: FakeClock) -> None:
        self.clock = clock
        self._channel = channel
        self.admin = self.by("key-a")

    def by(self, key: str) -> Project:
        return Project(self._channel, key)


@asynccontextmanager
async def running(**config: Any) -> AsyncIterator[Running]:
    clock = FakeClock()
    given = CoreConfig(**({"keys": allowed("a")} | config))
    async with AsyncExitStack() as stack:
        core = await stack.enter_async_context(
            open_core(given, store=MemoryStore(clock), clock=clock)
        )
        channel = await stack.enter_async_context(in_process(core, copy=True))
        yield Running(channel, clock)
        # Who stops may have to wait for something.
        await clock.run_until(stack.aclose())


async def refused(
    project: Project, name: str, request: dict[str, Any], *metadata: tuple[str, str]
) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await project.call(name, request, *metadata)
    return caught.value


def detail(error: grpc.aio.AioRpcError) -> ErrorDetail:
    found = ErrorDetail()
    _details(error)[0].Unpack(found)
    return found


def _details(error: grpc.aio.AioRpcError) -> Any:
    metadata: dict[str, Any] = dict(error.trailing_metadata() or ())
    return Status.FromString(metadata["grpc-status-details-bin"]).details


async def test_a_key_from_its_making_to_its_end() -> None:
    async with running() as server:
        limits = pb.KeyLimits(requests_per_minute=60, models=["demo", "chat/x"])
        made = await server.admin.call(
            "CreateKey",
            {
                "name": "frontend",
                "scopes": ["KEY_SCOPE_RUN", "KEY_SCOPE_READ", "KEY_SCOPE_RUN"],
                "limits": limits,
                "lifetime": 30 * DAY,
            },
        )
        key = made.key
        assert made.secret.startswith("sk-understudy-")
        assert key.hint == f"{made.secret[:18]}...{made.secret[-4:]}"
        assert key.name == "frontend"
        assert list(key.scopes) == [pb.KEY_SCOPE_READ, pb.KEY_SCOPE_RUN]
        assert key.limits == limits
        assert key.expires_at == key.created_at + 30 * DAY
        assert (len(key.id), len(key.created_by)) == (64, 16)
        assert not key.HasField("revoked_at")
        assert not key.HasField("last_used_at")

        frontend = server.by(made.secret)
        await frontend.call("ListAssistants", {})
        assert await frontend.code("CreateThread", {}) is grpc.StatusCode.PERMISSION_DENIED

        await server.clock.advance(3_600)
        rotated = await server.admin.call("RotateKey", {"key_id": key.id, "overlap": 3_600})
        assert rotated.replaced.id == key.id
        assert rotated.replaced.expires_at == rotated.key.created_at + 3_600
        assert (rotated.key.name, rotated.key.limits) == (key.name, key.limits)
        assert list(rotated.key.scopes) == list(key.scopes)
        assert rotated.key.expires_at == rotated.key.created_at + 30 * DAY
        await server.by(rotated.secret).call("ListAssistants", {})

        ended = await server.admin.call("RevokeKey", {"key_id": rotated.key.id})
        assert [each.id for each in ended.data] == [rotated.key.id]
        assert ended.data[0].HasField("revoked_at")
        assert await server.admin.call("RevokeKey", {"key_id": rotated.key.id}) == ended
        await server.clock.advance(5)
        code = await server.by(rotated.secret).code("ListAssistants", {})
        assert code is grpc.StatusCode.UNAUTHENTICATED

        error = await refused(server.admin, "RotateKey", {"key_id": rotated.key.id})
        assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
        listed = await server.admin.call("ListKeys", {"order": "SORT_ORDER_ASC"})
        assert [each.id for each in listed.data] == [key.id, rotated.key.id]
        assert (listed.first_id, listed.last_id) == (key.id, rotated.key.id)
        assert listed.data[1].HasField("revoked_at")


async def test_a_key_of_which_nothing_is_said() -> None:
    async with running() as server:
        made = await server.admin.call("CreateKey", {})
        assert list(made.key.scopes) == [
            pb.KEY_SCOPE_READ,
            pb.KEY_SCOPE_WRITE,
            pb.KEY_SCOPE_RUN,
        ]
        assert not made.key.HasField("limits")
        assert not made.key.HasField("expires_at")
        usual = server.by(made.secret)
        await usual.call("CreateThread", {})
        for name in ("CreateKey", "ListKeys", "RotateKey", "RevokeKey"):
            request = {"key_id": made.key.id} if name[0] == "R" else {}
            error = await refused(usual, name, request)
            assert error.code() is grpc.StatusCode.PERMISSION_DENIED, name
            assert detail(error).reason == Reason.REASON_MISSING_SCOPE
            assert "Missing scopes: admin." in (error.details() or "")


async def test_a_key_that_may_manage_keys_and_nothing_else() -> None:
    async with running() as server:
        made = await server.admin.call("CreateKey", {"scopes": ["KEY_SCOPE_ADMIN"]})
        admin = server.by(made.secret)
        assert await admin.code("ListAssistants", {}) is grpc.StatusCode.PERMISSION_DENIED
        child = await admin.call("CreateKey", {"name": "child"})
        assert child.key.created_by == made.key.id
        # It is remembered as good for five seconds, and makes nothing all the same.
        ended = await admin.call("RevokeKey", {"key_id": made.key.id, "with_created": True})
        assert [each.id for each in ended.data] == [made.key.id, child.key.id]
        error = await refused(admin, "CreateKey", {})
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        assert detail(error).reason == Reason.REASON_INVALID_API_KEY
        assert len((await server.admin.call("ListKeys", {})).data) == 2


async def test_pages() -> None:
    async with running() as server:
        ids = []
        for _ in range(5):
            ids.append((await server.admin.call("CreateKey", {})).key.id)
            await server.clock.advance(1)

        async def page(**request: Any) -> tuple[list[str], bool]:
            found = await server.admin.call("ListKeys", request)
            return [key.id for key in found.data], found.has_more

        assert await page() == (ids[::-1], False)
        assert await page(limit=2) == ([ids[4], ids[3]], True)
        assert await page(limit=2, after=ids[3]) == ([ids[2], ids[1]], True)
        assert await page(limit=2, after=ids[1]) == ([ids[0]], False)
        assert await page(limit=2, before=ids[1]) == ([ids[3], ids[2]], True)
        ascending = {"order": "SORT_ORDER_ASC"}
        assert await page(limit=3, after=ids[0], **ascending) == (ids[1:4], True)
        assert await page(after=ids[0], before=ids[3], **ascending) == (ids[1:3], False)


async def test_the_listing_tells_when_a_key_was_used() -> None:
    async with running() as server:
        made = await server.admin.call("CreateKey", {})
        await server.by(made.secret).call("ListAssistants", {})

        async def used() -> int:
            (key,) = (await server.admin.call("ListKeys", {})).data
            return int(key.last_used_at)

        while not (at := await used()):  # it is written beside the requests
            await server.clock.advance(0)
        assert at == made.key.created_at


@pytest.mark.parametrize(
    ("name", "request_", "reason", "param"),
    [
        ("RotateKey", {}, Reason.REASON_MISSING_REQUIRED_PARAMETER, "key_id"),
        ("RevokeKey", {}, Reason.REASON_MISSING_REQUIRED_PARAMETER, "key_id"),
        ("CreateKey", {"scopes": [9]}, Reason.REASON_INVALID_VALUE, "scopes[0]"),
        ("CreateKey", {"scopes": [0]}, Reason.REASON_INVALID_VALUE, "scopes[0]"),
        ("CreateKey", {"name": "x" * 257}, Reason.REASON_STRING_ABOVE_MAX_LENGTH, "name"),
        ("CreateKey", {"lifetime": -1}, Reason.REASON_INTEGER_BELOW_MIN_VALUE, "lifetime"),
        ("CreateKey", {"lifetime": 2**62}, Reason.REASON_INTEGER_ABOVE_MAX_VALUE, "lifetime"),
        (
            "CreateKey",
            {"limits": {"tokens_per_day": -1}},
            Reason.REASON_INTEGER_BELOW_MIN_VALUE,
            "limits.tokens_per_day",
        ),
        (
            "CreateKey",
            {"limits": {"models": ["demo", ""]}},
            Reason.REASON_INVALID_VALUE,
            "limits.models[1]",
        ),
        (
            "RotateKey",
            {"key_id": "x", "overlap": -1},
            Reason.REASON_INTEGER_BELOW_MIN_VALUE,
            "overlap",
        ),
        ("ListKeys", {"limit": 0}, Reason.REASON_INTEGER_BELOW_MIN_VALUE, "limit"),
        ("ListKeys", {"limit": 101}, Reason.REASON_INTEGER_ABOVE_MAX_VALUE, "limit"),
    ],
)
async def test_what_is_wrong_with_a_request(
    name: str, request_: dict[str, Any], reason: Reason.ValueType, param: str
) -> None:
    async with running() as server:
        error = await refused(server.admin, name, request_)
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert (detail(error).reason, detail(error).param) == (reason, param)
        assert not (await server.admin.call("ListKeys", {})).data


async def test_a_key_that_there_is_not() -> None:
    async with running() as server:
        made = await server.admin.call("CreateKey", {})
        for name, request in (
            ("RotateKey", {"key_id": made.key.id[:16]}),
            ("RevokeKey", {"key_id": made.key.hint}),
            ("RevokeKey", {"key_id": "0" * 64}),
            ("ListKeys", {"after": "0" * 64}),
        ):
            error = await refused(server.admin, name, request)
            assert error.code() is grpc.StatusCode.NOT_FOUND, name
            resource = error_details_pb2.ResourceInfo()
            _details(error)[1].Unpack(resource)
            assert resource.resource_type == "understudy.v1.ApiKey"
            assert resource.resource_name == next(iter(request.values()))


async def test_an_idempotency_key_is_refused_where_it_cannot_be_honoured() -> None:
    async with running() as server:
        made = await server.admin.call("CreateKey", {})
        for name, request in (("CreateKey", {}), ("RotateKey", {"key_id": made.key.id})):
            error = await refused(server.admin, name, request, ("idempotency-key", "k"))
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert detail(error).param == "idempotency-key"
        assert len((await server.admin.call("ListKeys", {})).data) == 1


async def test_who_needs_no_key_manages_none() -> None:
    async with running(auth=False, keys=()) as server:
        code = await server.admin.code("ListKeys", {})
        assert code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_key_of_the_configuration_may_manage_keys() -> None:
    given = ConfiguredKey(key="key-a", project="shop", scopes=("admin",))
    async with running(keys=(given,)) as server:
        made = await server.admin.call("CreateKey", {})
        # It is not among the keys that it manages: it ends with the configuration.
        assert [key.id for key in (await server.admin.call("ListKeys", {})).data] == [made.key.id]


def test_every_scope_has_a_number() -> None:
    assert tuple(_SCOPES) == SCOPES
    assert set(_SCOPES.values()) == set(pb.KeyScope.values()) - {0}
