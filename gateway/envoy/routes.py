"""Routes: one a method with its time limit and retry rule, the edge's pages, and REST before transcoding."""

from collections.abc import Iterator

from gateway.envoy.authentication import INFRASTRUCTURE
from gateway.envoy.clusters import EDGE_HTTP
from gateway.envoy.config import EnvoyConfig
from gateway.envoy.pages import PAGES, WEBSOCKET
from gateway.envoy.surface import Method
from gateway.envoy.transcoding import transcoding_off, transcoding_to_lines
from gateway.envoy.typed import Json, per_route, seconds

EDGE = "gateway"

# Seconds a unary call may take from its first byte on, by its rate class, when the caller does not say. The
# gateway keeps this and a caller's own deadline, answers DEADLINE_EXCEEDED and cancels the call. At a
# deadline of the service, gRPC would break off the call and give no reason: services are told a later one.
_DEADLINES = {"bulk": 60.0, "admin": 60.0}
_DEADLINE = 30.0
_LONGEST_OF_CALLERS = 290.0
_TOLD_TO_SERVICES = 300.0

# gRPC itself reads these headers. A service that meets a bad value refuses that call, and then every call on
# the same connection, whoever makes it, that has another value for the same header.
_VALID = {"grpc-timeout": "[0-9]{1,8}[HMSmun]", "grpc-encoding": "identity|deflate|gzip"}
_OF_NO_USE = (
    "grpc-previous-rpc-attempts",
    "grpc-retry-pushback-ms",
    "grpc-internal-encoding-request",
    "grpc-status",
    "grpc-tags-bin",
    "grpc-trace-bin",
    "grpc-server-stats-bin",
    "endpoint-load-metrics-bin",
)

_EXPOSED_HEADERS = (
    "x-request-id",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
)


def route_configuration(config: EnvoyConfig, methods: tuple[Method, ...]) -> Json:
    """The one virtual host. Order matters: the first match wins."""
    return {
        "name": "api",
        "request_headers_to_add": [
            {
                "header": {"key": "x-client-address", "value": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
        "request_headers_to_remove": list(_OF_NO_USE),
        "virtual_hosts": [
            {
                "name": "api",
                "domains": ["*"],
                "typed_per_filter_config": _cross_origin(config),
                "routes": [
                    *_malformed(),
                    *_method_routes(methods),
                    *_infrastructure(),
                    *_edge_pages(),
                    *_rest(config, methods),
                ],
            }
        ],
    }


def _method_routes(methods: tuple[Method, ...]) -> Iterator[Json]:
    for method in methods:
        route: Json = {
            "match": {"path": method.path, "grpc": {}},
            "route": {"cluster": method.domain, **(_endless() if method.is_stream else _bounded(method))},
            "typed_per_filter_config": _no_body_limit(),
        }
        if method.is_stream:
            # The compressor would hold messages back until its window is full.
            route["typed_per_filter_config"] |= per_route(
                "compressor", "compressor.v3.CompressorPerRoute", disabled=True
            )
        else:
            told = {"key": "grpc-timeout", "value": f"{_TOLD_TO_SERVICES:.0f}S"}
            route["request_headers_to_add"] = [
                {"header": told, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            ]
        yield route


def _malformed() -> Iterator[Json]:
    for name, valid in _VALID.items():
        header = {"name": name, "string_match": {"safe_regex": {"regex": valid}}, "invert_match": True}
        yield {"match": {"prefix": "/", "headers": [header]}, "direct_response": {"status": 400}}


def _deadline(method: Method) -> float:
    return _DEADLINES.get(method.rate_limit_class, _DEADLINE)


def _bounded(method: Method) -> Json:
    return {
        "timeout": "0s",
        "idle_timeout": "0s",
        "max_stream_duration": {
            "max_stream_duration": seconds(_deadline(method)),
            "grpc_timeout_header_max": seconds(_LONGEST_OF_CALLERS),
        },
        "retry_policy": _retries(method),
    }


def _endless() -> Json:
    return {
        "timeout": "0s",
        "idle_timeout": "0s",
        "retry_policy": {"retry_on": "connect-failure,refused-stream"},
    }


def _retries(method: Method) -> Json:
    """Reads are tried again when a connection broke, the rest only when the service cannot have seen them."""
    unseen = "connect-failure,refused-stream"
    backoff = {"base_interval": "0.05s", "max_interval": "0.5s"}
    if method.is_read_only and not method.is_public:
        return {"retry_on": f"{unseen},reset,unavailable", "num_retries": 2, "retry_back_off": backoff}
    return {"retry_on": unseen, "num_retries": 2, "retry_back_off": backoff}


def _infrastructure() -> Iterator[Json]:
    for prefix in INFRASTRUCTURE:
        yield {
            "match": {"prefix": prefix, "grpc": {}},
            "route": {"cluster": EDGE, **_endless()},
            "typed_per_filter_config": _no_body_limit(),
        }
    # Anything else over gRPC is no method of ours: 404 becomes UNIMPLEMENTED.
    yield {
        "match": {"prefix": "/", "grpc": {}},
        "direct_response": {"status": 404},
        "typed_per_filter_config": _no_body_limit(),
    }


def _edge_pages() -> Iterator[Json]:
    yield {
        "match": WEBSOCKET,
        "route": {
            "cluster": EDGE_HTTP,
            "timeout": "0s",
            "idle_timeout": "0s",
            "upgrade_configs": [{"upgrade_type": "websocket"}],
        },
        "typed_per_filter_config": transcoding_off() | _no_body_limit(),
    }
    for match in PAGES:
        yield {
            "match": match,
            "route": {"cluster": EDGE_HTTP, "timeout": seconds(_DEADLINE)},
            "typed_per_filter_config": transcoding_off(),
        }


def _rest(config: EnvoyConfig, methods: tuple[Method, ...]) -> Iterator[Json]:
    """What a REST request matches before it is transcoded; afterwards its method's route takes over.

    CORS and the body limit need a route with a cluster at that point. No request reaches the cluster: the
    transcoder refuses what it does not know.
    """
    action = {"cluster": EDGE_HTTP, "idle_timeout": "0s", "timeout": "0s"}
    lines = {"name": "accept", "string_match": {"contains": "application/x-ndjson"}}
    yield {
        "match": {"prefix": "/", "headers": [lines]},
        "route": action,
        "typed_per_filter_config": transcoding_to_lines(config, methods),
    }
    yield {"match": {"prefix": "/"}, "route": action}


def _no_body_limit() -> Json:
    return per_route("buffer", "buffer.v3.BufferPerRoute", disabled=True)


def _cross_origin(config: EnvoyConfig) -> Json:
    if not config.cors_origins:
        return {}
    return per_route(
        "cors",
        "cors.v3.CorsPolicy",
        allow_origin_string_match=[{"exact": origin} for origin in config.cors_origins],
        allow_methods="GET, POST, PUT, DELETE, OPTIONS",
        allow_headers="authorization, content-type, idempotency-key, x-request-id, traceparent",
        expose_headers=", ".join(_EXPOSED_HEADERS),
        max_age="600",
        allow_credentials=False,
    )
