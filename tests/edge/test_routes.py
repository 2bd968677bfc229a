"""Rules of the contract and of contracts that cannot be served."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor

from understudy.wire.v1 import wire_pb2
from understudy_edge.app import SERVICES
from understudy_edge.matcher import Match, Matcher, WrongMethod
from understudy_edge.routes import BadRule, compile_routes

MATCHER = Matcher(compile_routes(SERVICES))


@pytest.mark.parametrize(
    ("verb", "path", "unary", "streaming", "values"),
    [
        ("GET", "/v1/assistants", "ListAssistants", None, {}),
        ("POST", "/v1/assistants", "CreateAssistant", None, {}),
        ("POST", "/v1/assistants/asst_1", "ModifyAssistant", None, {"assistant_id": "asst_1"}),
        ("DELETE", "/v1/assistants/asst_1", "DeleteAssistant", None, {"assistant_id": "asst_1"}),
        ("GET", "/v1/threads/a%2Fb", "GetThread", None, {"thread_id": "a/b"}),
        ("GET", "/v1/threads/%E4%BD%A0%20", "GetThread", None, {"thread_id": "你 "}),
        ("GET", "/v1/threads/%ff", "GetThread", None, {"thread_id": "\ufffd"}),
        ("GET", "/v1/threads/%zz", "GetThread", None, {"thread_id": "%zz"}),
        # A literal beats a variable, for the verbs that it has.
        ("POST", "/v1/threads/runs", "CreateThreadAndRun", "StreamCreateThreadAndRun", {}),
        ("GET", "/v1/threads/runs", "GetThread", None, {"thread_id": "runs"}),
        ("GET", "/v1/threads/runs/runs", "ListRuns", None, {"thread_id": "runs"}),
        ("POST", "/v1/threads/t/runs", "CreateRun", "StreamCreateRun", {"thread_id": "t"}),
        (
            "POST",
            "/v1/threads/t/runs/r/submit_tool_outputs",
            "SubmitToolOutputs",
            "StreamSubmitToolOutputs",
            {"thread_id": "t", "run_id": "r"},
        ),
        (
            "GET",
            "/v1/threads/t/runs/r/events",
            None,
            "StreamRunEvents",
            {"thread_id": "t", "run_id": "r"},
        ),
        (
            "GET",
            "/v1/threads/t/runs/r/steps/s",
            "GetRunStep",
            None,
            {"thread_id": "t", "run_id": "r", "step_id": "s"},
        ),
        (
            "GET",
            "/v1/threads/t/runs/r/steps/s/request",
            "GetRunStepModelCall",
            None,
            {"thread_id": "t", "run_id": "r", "step_id": "s"},
        ),
        ("GET", "/v1/models", "ListModels", None, {}),
        ("GET", "/v1/models/gpt", "GetModel", None, {"model": "gpt"}),
        ("GET", "/v1/models/lab/gpt", "GetModel", None, {"model": "lab/gpt"}),
        ("GET", "/v1/models/lab%2Fgpt", "GetModel", None, {"model": "lab/gpt"}),
        ("DELETE", "/v1/models/lab/ft:gpt", "DeleteModel", None, {"model": "lab/ft:gpt"}),
    ],
)
def test_match(
    verb: str, path: str, unary: str | None, streaming: str | None, values: dict[str, str]
) -> None:
    found = MATCHER.match(verb, path)
    assert isinstance(found, Match)
    assert (found.route.unary and found.route.unary.name) == unary
    assert (found.route.streaming and found.route.streaming.name) == streaming
    assert found.values == values


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "*",
        "/v1",
        "/v1/",
        "/v2/assistants",
        "/v1/assistantz",
        "/v1/assistants/",
        "/v1//assistants",
        "/v1/assistants/a/b",
        "/v1/threads/t/runs/",
        "/v1/threads//runs",
        "/v1/models/",
        "/v1%2Fassistants",
    ],
)
def test_unknown_url(path: str) -> None:
    assert MATCHER.match("GET", path) is None


@pytest.mark.parametrize(
    ("verb", "path", "allowed"),
    [
        ("PUT", "/v1/assistants", ("GET", "POST")),
        ("PUT", "/v1/threads/runs", ("DELETE", "GET", "POST")),
        ("POST", "/v1/models/a/b", ("DELETE", "GET")),
        ("POST", "/v1/threads/t/runs/r/events", ("GET",)),
        ("get", "/v1/models", ("GET",)),
    ],
)
def test_wrong_method(verb: str, path: str, allowed: tuple[str, ...]) -> None:
    assert MATCHER.match(verb, path) == WrongMethod(allowed)


def test_every_rule_of_the_contract_has_its_route() -> None:
    served = {
        method.full_name
        for route in compile_routes(SERVICES)
        for method in (route.unary, route.streaming, route.download)
        if method is not None
    }
    assert served == {method.full_name for service in SERVICES for method in service.methods}


def test_fields_come_from_where_the_rule_says() -> None:
    routes = {route.method.name: route for route in compile_routes(SERVICES)}
    create = routes["CreateRun"]
    assert create.path_fields == ("thread_id",)
    assert create.query_fields == {"include"}
    assert routes["ListMessages"].query_fields == {"limit", "order", "after", "before", "run_id"}
    assert routes["StreamRunEvents"].header_fields == (("after", "Last-Event-ID"),)
    assert create.beta == "assistants=v2"
    assert not routes["GetModel"].beta
    assert [name for name, route in routes.items() if route.polled] == [
        "GetRun",
        "GetVectorStore",
        "GetVectorStoreFile",
        "GetVectorStoreFileBatch",
    ]


def test_bytes_come_as_forms_and_go_as_they_are() -> None:
    routes = {route.method.name: route for route in compile_routes(SERVICES)}
    uploads = {name: route.upload for name, route in routes.items() if route.upload}
    assert {name: upload.part for name, upload in uploads.items()} == {
        "CreateFile": "file",
        "AddUploadPart": "data",
    }
    assert routes["CreateFile"].request.name == "NewFile"
    assert uploads["CreateFile"].names_file
    assert not uploads["AddUploadPart"].names_file
    assert routes["AddUploadPart"].path_fields == ("upload_id",)
    content = routes["GetFileContent"]
    assert (content.unary, content.streaming, content.download) == (None, None, content.method)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rpc:
    name: str
    rule: http_pb2.HttpRule
    request: str = "Plain"
    streaming: bool = False
    client_streaming: bool = False
    multipart: str = ""
    download: bool = False


def service_of(*rpcs: Rpc) -> ServiceDescriptor:
    """A contract of its own with these methods."""
    string, boolean = (
        descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
        descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    )
    file = descriptor_pb2.FileDescriptorProto(
        name="t.proto", package="t", syntax="proto3", dependency=["google/api/annotations.proto"]
    )
    for name, fields in {
        "Plain": {"id": string},
        "Choosing": {"id": string, "stream": boolean},
        "Other": {"id": string, "stream": boolean},
        "Numbered": {"id": boolean},
    }.items():
        message = file.message_type.add(name=name)
        for number, (field, type_) in enumerate(fields.items(), 1):
            message.field.add(
                name=field,
                number=number,
                type=type_,
                label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
            )
    service = file.service.add(name="S")
    for rpc in rpcs:
        method = service.method.add(
            name=rpc.name,
            input_type=f".t.{rpc.request}",
            output_type=".t.Plain",
            server_streaming=rpc.streaming,
            client_streaming=rpc.client_streaming,
        )
        method.options.Extensions[annotations_pb2.http].CopyFrom(rpc.rule)
        if rpc.multipart or rpc.download:
            wire = wire_pb2.MethodWire(multipart=rpc.multipart, download=rpc.download)
            method.options.Extensions[wire_pb2.method].CopyFrom(wire)
    pool = descriptor_pool.DescriptorPool()
    for known in (
        descriptor_pb2.DESCRIPTOR,
        http_pb2.DESCRIPTOR,
        annotations_pb2.DESCRIPTOR,
    ):
        pool.AddSerializedFile(known.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName("t.S")


def get(path: str) -> http_pb2.HttpRule:
    return http_pb2.HttpRule(get=path)


def post(path: str, body: str = "*") -> http_pb2.HttpRule:
    return http_pb2.HttpRule(post=path, body=body)


@pytest.mark.parametrize(
    ("rpcs", "told"),
    [
        ([Rpc(name="A", rule=get("/a")), Rpc(name="B", rule=get("/a"))], ["t.S.A", "t.S.B", "/a"]),
        (
            [Rpc(name="A", rule=get("/a/{id}")), Rpc(name="B", rule=get("/a/{id}"))],
            ["t.S.A", "t.S.B"],
        ),
        (
            [
                Rpc(name="A", rule=get("/a"), streaming=True),
                Rpc(name="B", rule=get("/a"), streaming=True),
            ],
            ["t.S.A", "t.S.B"],
        ),
        (
            [
                Rpc(name="A", rule=post("/a"), request="Choosing"),
                Rpc(name="B", rule=post("/a"), request="Choosing", streaming=True),
                Rpc(name="C", rule=post("/a"), request="Choosing", streaming=True),
            ],
            ["t.S.A", "t.S.C"],
        ),
        (
            [
                Rpc(name="A", rule=post("/a"), request="Choosing"),
                Rpc(name="B", rule=post("/a"), request="Other", streaming=True),
            ],
            ["t.S.A", "t.S.B", "different requests"],
        ),
        (
            [Rpc(name="A", rule=post("/a")), Rpc(name="B", rule=post("/a"), streaming=True)],
            ["t.S.A", "t.S.B", "bool stream"],
        ),
        (
            [
                Rpc(name="A", rule=post("/a"), request="Choosing"),
                Rpc(name="B", rule=post("/a", ""), request="Choosing", streaming=True),
            ],
            ["t.S.A", "t.S.B", "body"],
        ),
        ([Rpc(name="A", rule=get("/a/{nothing}"))], ["t.S.A", "'nothing'"]),
        ([Rpc(name="A", rule=get("/a/{id}"), request="Numbered")], ["t.S.A", "not a string"]),
        ([Rpc(name="A", rule=get("a"))], ["t.S.A"]),
        ([Rpc(name="A", rule=get("/a/{id"))], ["t.S.A", "'{id'"]),
        ([Rpc(name="A", rule=get("/a/{id=x/*}"))], ["t.S.A"]),
        ([Rpc(name="A", rule=get("/a/{id=**}/b"))], ["t.S.A"]),
        ([Rpc(name="A", rule=get("/a/{id}/{id}"))], ["t.S.A", "twice"]),
        ([Rpc(name="A", rule=get("/a:verb"))], ["t.S.A"]),
        ([Rpc(name="A", rule=get("/a/"))], ["t.S.A"]),
        ([Rpc(name="A", rule=post("/a", "id"))], ["t.S.A", "body"]),
        ([Rpc(name="A", rule=http_pb2.HttpRule(body="*"))], ["t.S.A", "verb"]),
        ([Rpc(name="A", rule=get("/a"), client_streaming=True)], ["t.S.A", "client stream"]),
        (
            [Rpc(name="A", rule=post("/a"), client_streaming=True, multipart="file")],
            ["t.S.A", "`metadata` and `data`"],
        ),
        ([Rpc(name="A", rule=post("/a"), multipart="file")], ["t.S.A", "`multipart`"]),
        (
            [Rpc(name="A", rule=get("/a"), streaming=True, download=True)],
            ["t.S.A", "`file` and `data`"],
        ),
        ([Rpc(name="A", rule=get("/a"), download=True)], ["t.S.A", "`download`"]),
    ],
)
def test_a_bad_rule_stops_the_start_and_names_its_owners(rpcs: list[Rpc], told: list[str]) -> None:
    with pytest.raises(BadRule) as raised:
        compile_routes([service_of(*rpcs)])
    for text in told:
        assert text in str(raised.value)


def test_a_method_may_have_several_rules() -> None:
    rule = get("/a/{id}")
    rule.additional_bindings.add(get="/b/{id}")
    routes = compile_routes([service_of(Rpc(name="A", rule=rule))])
    assert [route.template for route in routes] == ["/a/{id}", "/b/{id}"]
