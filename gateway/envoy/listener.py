"""The listener that clients talk to: HTTP/1.1 and HTTP/2, JSON and gRPC, on one port."""

from gateway.envoy.authentication import IDENTITY_HEADERS, token_filter
from gateway.envoy.config import EnvoyConfig
from gateway.envoy.observing import HTTP_MANAGER, access_log, tracing
from gateway.envoy.refusals import field_names, local_replies
from gateway.envoy.routes import route_configuration
from gateway.envoy.surface import Method
from gateway.envoy.transcoding import transcoder
from gateway.envoy.typed import Json, extension, http_filter, message, socket_address

_TLS = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "cache-control": "no-store",
}


def api_listener(config: EnvoyConfig, methods: tuple[Method, ...]) -> Json:
    """The listener with its whole filter chain."""
    chain: Json = {
        "filters": [
            {
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": _manager(config, methods),
            }
        ]
    }
    if config.tls_certificate_path and config.tls_key_path:
        chain["transport_socket"] = _server_tls(config.tls_certificate_path, config.tls_key_path)
    return {
        "name": "api",
        "address": socket_address(config.listen_address),
        # The largest body that one request may have buffered for it, on its way in or out.
        "per_connection_buffer_limit_bytes": max(config.max_request_bytes, config.max_response_bytes),
        "filter_chains": [chain],
    }


def _manager(config: EnvoyConfig, methods: tuple[Method, ...]) -> Json:
    return message(
        HTTP_MANAGER,
        stat_prefix="api",
        codec_type="AUTO",
        route_config=route_configuration(config, methods),
        http_filters=_filters(config, methods),
        early_header_mutation_extensions=[_without_identity()],
        local_reply_config=local_replies(),
        access_log=access_log(),
        **tracing(config),
        # The client's address is the connection's, or what a trusted proxy says; never the client's own word.
        use_remote_address=True,
        xff_num_trusted_hops=config.trusted_proxies,
        # Nobody is internal: internal clients may set time limits, and ingresses come from private addresses.
        internal_address_config={"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},
        always_set_request_id_in_response=True,
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action="REJECT_REQUEST",
        server_header_transformation="PASS_THROUGH",
        stream_idle_timeout="300s",
        request_headers_timeout="10s",
        request_timeout="0s",  # would end long client streams; slow bodies end at the idle timeout
        drain_timeout="10s",
        max_request_headers_kb=32,
        common_http_protocol_options={
            "idle_timeout": "600s",
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        http2_protocol_options={
            "max_concurrent_streams": 1000,
            "initial_stream_window_size": 1_048_576,
            "initial_connection_window_size": 16_777_216,
        },
        upgrade_configs=[{"upgrade_type": "websocket", "enabled": False}],
    )


def _filters(config: EnvoyConfig, methods: tuple[Method, ...]) -> list[Json]:
    """In the order of requests; answers pass them backwards, so the compressor sees JSON and not protobuf."""
    return [
        http_filter("header_mutation", "header_mutation.v3.HeaderMutation", mutations=_security_headers()),
        http_filter("cors", "cors.v3.Cors"),
        token_filter(config, methods),
        http_filter("buffer", "buffer.v3.Buffer", max_request_bytes=config.max_request_bytes),
        _compressor("brotli", "envoy.extensions.compression.brotli.compressor.v3.Brotli", quality=4),
        _compressor(
            "gzip",
            "envoy.extensions.compression.gzip.compressor.v3.Gzip",
            compression_level="COMPRESSION_LEVEL_4",
        ),
        field_names(),
        transcoder(config, methods),
        http_filter("router", "router.v3.Router", suppress_envoy_headers=True),
    ]


def _compressor(name: str, type_name: str, **settings: object) -> Json:
    return http_filter(
        "compressor",
        "compressor.v3.Compressor",
        compressor_library=extension(name, type_name, **settings),
        response_direction_config={
            "common_config": {"min_content_length": 512},
            "remove_accept_encoding_header": False,
        },
    )


def _security_headers() -> Json:
    return {
        "response_mutations": [
            {"append": {"header": {"key": name, "value": value}, "append_action": "ADD_IF_ABSENT"}}
            for name, value in SECURITY_HEADERS.items()
        ]
    }


def _without_identity() -> Json:
    return extension(
        "envoy.http.early_header_mutation.header_mutation",
        "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        mutations=[{"remove": name} for name in IDENTITY_HEADERS],
    )


def _server_tls(certificate: str, key: str) -> Json:
    files = {"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}}
    context = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificates": [files],
    }
    return extension("envoy.transport_sockets.tls", _TLS, common_tls_context=context)
