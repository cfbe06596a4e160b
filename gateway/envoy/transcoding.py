"""REST in, gRPC on: one descriptor set for all services, strict about what it does not know."""

import base64

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.envoy.config import EnvoyConfig
from gateway.envoy.surface import Method
from gateway.envoy.typed import Json, http_filter, per_route

_NAME = "grpc_json_transcoder"
_TYPE = "grpc_json_transcoder.v3.GrpcJsonTranscoder"


def transcoder(config: EnvoyConfig, methods: tuple[Method, ...]) -> Json:
    """The filter. Server streams become Server-Sent Events."""
    return http_filter(_NAME, _TYPE, **_settings(config, methods, stream_sse_style_delimited=True))


def transcoding_to_lines(config: EnvoyConfig, methods: tuple[Method, ...]) -> Json:
    """For a route: server streams become one JSON object a line."""
    return per_route(_NAME, _TYPE, **_settings(config, methods, stream_newline_delimited=True))


def transcoding_off() -> Json:
    """For a route: no transcoding."""
    return per_route(_NAME, _TYPE, proto_descriptor_bin="")


def _settings(config: EnvoyConfig, methods: tuple[Method, ...], **stream_style: bool) -> Json:
    return {
        "proto_descriptor_bin": _descriptors(config),
        "services": sorted({method.service for method in methods if method.routes}),
        "convert_grpc_status": True,
        "print_options": {"always_print_primitive_fields": True, **stream_style},
        "request_validation_options": {
            "reject_unknown_method": True,
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
        "max_request_body_size": config.max_request_bytes,
        "max_response_body_size": config.max_response_bytes,
    }


def _descriptors(config: EnvoyConfig) -> str:
    """The descriptor set without comments, inside the configuration: one file is all that Envoy needs."""
    described = FileDescriptorSet.FromString(config.descriptors.read_bytes())
    for file in described.file:
        file.ClearField("source_code_info")
    return base64.b64encode(described.SerializeToString()).decode()
