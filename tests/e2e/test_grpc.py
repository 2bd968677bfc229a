"""The gRPC face of the same server: the same objects, and the same keys before them."""

from __future__ import annotations

import grpc
import pytest

from tests.e2e.conftest import Site
from tests.e2e.http import open_http
from understudy.v1.assistant_pb2 import GetAssistantRequest
from understudy.v1.assistants_service_pb2_grpc import AssistantsServiceStub


def test_a_key_is_asked_for_and_opens_its_own_project(site: Site) -> None:
    with open_http(site.url, site.deployment.key) as http:
        made = http.post("/assistants", json={"model": "m", "name": "Ada"}).json()
    with grpc.insecure_channel(site.deployment.grpc) as channel:
        get = AssistantsServiceStub(channel).GetAssistant
        request = GetAssistantRequest(assistant_id=made["id"])
        key = (("authorization", f"Bearer {site.deployment.key}"),)
        assert get(request, metadata=key).name == "Ada"
        for authorization, code in (
            (f"Bearer {site.deployment.other_key}", grpc.StatusCode.NOT_FOUND),
            ("Bearer sk-none-of-ours", grpc.StatusCode.UNAUTHENTICATED),
            ("", grpc.StatusCode.UNAUTHENTICATED),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                get(request, metadata=(("authorization", authorization),))
            assert caught.value.code() == code
