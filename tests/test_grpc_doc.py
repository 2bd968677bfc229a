"""docs/grpc.md: its table of reasons is that of core and edge, and its transcript is what a server answers."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from tests.servers import deployed
from tests.upstream.threaded import ThreadedUpstream
from understudy.v1.error_pb2 import Reason
from understudy_edge.errors import ANSWERS
from understudy_server.rpc.errors import RULES

DOCUMENT = Path(__file__).parent.parent / "docs/grpc.md"
FIRST_OF_OTHERS = 30
"""Reasons below it are those of an invalid request, which carries its reason itself."""

OF_REST = frozenset({"INVALID_JSON", "INVALID_BETA", "UNKNOWN_URL", "METHOD_NOT_ALLOWED"})


def expected() -> list[str]:
    codes = {rule.reason: rule.code.name for rule in RULES.values() if rule.reason is not None}
    rows = []
    for number in sorted(Reason.values()):
        if number == Reason.REASON_UNSPECIFIED:
            continue
        word = Reason.Name(number).removeprefix("REASON_")
        code = codes.get(number, "INVALID_ARGUMENT" if number < FIRST_OF_OTHERS else "-")
        answer = ANSWERS[word]
        shown = "null" if answer.code is None else f"`{answer.code}`"
        code = "-" if word in OF_REST else code
        rows.append(f"| `{word}` | {code} | {answer.status} | `{answer.type}` | {shown} |")
    return rows


def test_every_reason_is_documented() -> None:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    start = lines.index("| reason | gRPC | HTTP | `type` | `code` |") + 2
    table = lines[start : lines.index("", start)]
    assert table == expected(), "\n".join(expected())


class Grpcurl:
    """Does what `grpcurl` does with the arguments that the document uses: all it knows comes by reflection."""

    def __init__(self, address: str, key: str) -> None:
        self._channel = grpc.insecure_channel(address)
        self._database = ProtoReflectionDescriptorDatabase(self._channel)
        self._pool = DescriptorPool(self._database)
        self._key = key

    def run(self, arguments: list[str]) -> Any:
        """What it prints: lines, or the answer's JSON."""
        assert arguments.pop(0) == "-plaintext"
        options = {}
        while arguments[0].startswith("-"):
            option = arguments.pop(0)
            options[option] = arguments.pop(0)
        _, method = arguments
        if method == "list":
            return sorted(self._database.get_services())
        metadata: tuple[tuple[str, str | bytes], ...] = ()
        if "-H" in options:
            header, _, value = options["-H"].partition(": ")
            metadata = ((header, value.replace("$KEY", self._key)),)
        service, _, name = method.partition("/")
        found = self._pool.FindServiceByName(service).methods_by_name[name]
        request, answer = GetMessageClass(found.input_type), GetMessageClass(found.output_type)
        call = self._channel.unary_unary(f"/{method}", request.SerializeToString, answer.FromString)
        sent = ParseDict(json.loads(options["-d"]), request(), descriptor_pool=self._pool)
        return MessageToDict(call(sent, metadata=metadata, timeout=60))

    def close(self) -> None:
        self._channel.close()


def transcript() -> Iterator[tuple[str, str]]:
    """Commands, and what stands below each."""
    block = re.search(r"```console\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    for part in block[1].removeprefix("$ ").split("\n$ "):
        command, _, answer = part.partition("\n")
        yield command, answer


def fits(shown: Any, found: Any) -> bool:
    """Whether what is shown is there; dots stand for anything."""
    if isinstance(shown, dict):
        return all(name in found and fits(value, found[name]) for name, value in shown.items())
    if isinstance(shown, str) and shown.endswith("..."):
        return str(found).startswith(shown.removesuffix("..."))
    return bool(shown == found)


def test_the_transcript_is_real(tmp_path: Path) -> None:
    with (
        ThreadedUpstream(api_key="none") as upstream,
        deployed("serve", tmp_path, upstream) as deployment,
    ):
        client = Grpcurl(deployment.grpc, deployment.key)
        ids: dict[str, str] = {}
        for command, answer in transcript():
            program, *arguments = shlex.split(
                re.sub(r"(asst)_\.\.\.", lambda m: ids[m[1]], command)
            )
            assert program == "grpcurl"
            found = client.run(arguments)
            if isinstance(found, list):
                assert found == answer.splitlines()
                continue
            assert fits(json.loads(answer), found), (command, found)
            if "id" in found:
                ids[found["id"].partition("_")[0]] = found["id"]
        client.close()
    assert set(ids) == {"asst", "run"}
