"""Which scope each operation of the contract needs: all of them, in one table."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import (
    FileDescriptorProto,
    MethodDescriptorProto,
    MethodOptions,
)
from google.protobuf.descriptor_pool import DescriptorPool

from understudy.wire.v1 import wire_pb2
from understudy_server.app import SERVICES
from understudy_server.auth.scopes import SCOPES, Scopes, needed, parse_scopes

RUN = {
    "CreateRun",
    "StreamCreateRun",
    "CreateThreadAndRun",
    "StreamCreateThreadAndRun",
    "SubmitToolOutputs",
    "StreamSubmitToolOutputs",
    "CancelRun",
}
ADMIN = {"CreateKey", "ListKeys", "RotateKey", "RevokeKey"}
READ = ("Get", "List", "Search", "StreamRunEvents")
WRITE = ("Create", "Modify", "Delete", "Add", "Complete", "Cancel")

METHODS = [method for service in SERVICES for method in service.methods]


def expected(name: str) -> set[str]:
    if name == "CheckKey":
        return set()
    if name in RUN:
        return {"run"}
    if name in ADMIN:
        return {"admin"}
    if name.startswith(READ):
        return {"read"}
    assert name.startswith(WRITE), f"which scope does {name} need?"
    return {"write"}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_what_an_operation_needs(method: MethodDescriptor) -> None:
    path = f"/{method.containing_service.full_name}/{method.name}"
    assert Scopes(SERVICES).needed(path) == expected(method.name)


def test_every_run_and_admin_method_is_there() -> None:
    assert {method.name for method in METHODS} >= RUN | ADMIN


def test_a_method_that_is_not_in_the_contract_needs_everything() -> None:
    assert Scopes(SERVICES).needed("/understudy.v1.AuthService/Other") == set(SCOPES)


def test_a_scope_that_there_is_not_stops_the_start() -> None:
    options = MethodOptions()
    options.Extensions[wire_pb2.method].scope = "root"
    method = MethodDescriptorProto(name="M", input_type=".E", output_type=".E", options=options)
    file = FileDescriptorProto(name="x.proto", syntax="proto3")
    file.message_type.add(name="E")
    file.service.add(name="S").method.append(method)
    pool = DescriptorPool()
    pool.Add(file)
    with pytest.raises(ValueError, match=r"S\.M: there is no scope 'root'"):
        needed(pool.FindServiceByName("S").methods[0])


@pytest.mark.parametrize(
    ("words", "scopes"),
    [
        (["run", "read"], ("read", "run")),
        (["write", "write"], ("write",)),
        (["admin", "run", "write", "read"], ("read", "write", "run", "admin")),
    ],
)
def test_parsing(words: list[str], scopes: tuple[str, ...]) -> None:
    assert parse_scopes(words) == scopes


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["read", "root"], "no scope 'root'; there are read, write, run and admin"),
        ([], "no scope is given"),
    ],
)
def test_what_is_no_scope(words: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_scopes(words)
