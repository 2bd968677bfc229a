"""The codec as the edge builds it."""

from google.protobuf.descriptor import MethodDescriptor

from understudy.v1 import (
    assistants_service_pb2,
    models_service_pb2,
    vector_stores_service_pb2,
)
from understudy_edge.codec import Codec


def served_methods() -> list[MethodDescriptor]:
    services = [
        assistants_service_pb2.DESCRIPTOR.services_by_name["AssistantsService"],
        vector_stores_service_pb2.DESCRIPTOR.services_by_name["VectorStoresService"],
        models_service_pb2.DESCRIPTOR.services_by_name["ModelsService"],
    ]
    return [method for service in services for method in service.methods]


CODEC = Codec(served_methods())
