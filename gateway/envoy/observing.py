"""What the gateway shows of itself: a JSON line a request, traces where there is a collector, probe pages."""

from typing import Any

from gateway.envoy.clusters import ADMIN, TRACES
from gateway.envoy.config import EnvoyConfig
from gateway.envoy.typed import Json, extension, http_filter, message, socket_address

_LOGGERS = "envoy.extensions.access_loggers"
HTTP_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"

# Paths are logged without their query: page and resume tokens are nobody's business.
_LINE = {
    "time": "%START_TIME%",
    "event": "request",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "trace_id": "%TRACE_ID%",
    "traceparent": "%REQ(TRACEPARENT)%",
    "method": "%REQ(X-ENVOY-ORIGINAL-METHOD?:METHOD)%",
    "path": "%PATH(NQ:ORIG_OR_PATH)%",
    "rpc": "%PATH(NQ:PATH)%",
    "protocol": "%PROTOCOL%",
    "status": "%RESPONSE_CODE%",
    "grpc_status": "%GRPC_STATUS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "flags": "%RESPONSE_FLAGS%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "milliseconds": "%DURATION%",
    "upstream": "%UPSTREAM_CLUSTER%",
    "upstream_host": "%UPSTREAM_HOST%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "user_agent": "%REQ(USER-AGENT)%",
}


def access_log() -> list[Json]:
    logger = f"{_LOGGERS}.stream.v3.StdoutAccessLog"
    return [extension("envoy.access_loggers.stdout", logger, log_format={"json_format": _LINE})]


def tracing(config: EnvoyConfig) -> dict[str, Any]:
    """The manager's `tracing` entry; empty without a collector, so that trace headers just pass."""
    if config.otlp_endpoint is None:
        return {}
    exporter = {
        "grpc_service": {"envoy_grpc": {"cluster_name": TRACES}, "timeout": "1s"},
        "service_name": "gateway",
    }
    provider = extension(
        "envoy.tracers.opentelemetry", "envoy.config.trace.v3.OpenTelemetryConfig", **exporter
    )
    return {"tracing": {"provider": provider, "random_sampling": {"value": 10}}}


def probe_listener(config: EnvoyConfig) -> list[Json]:
    """A listener for probes and Prometheus: readiness and statistics of the admin interface, nothing else."""
    if config.probe_address is None:
        return []
    routes = [
        {"match": {"path": path, "headers": [_GET]}, "route": {"cluster": ADMIN, "timeout": "5s"}}
        for path in ("/ready", "/stats/prometheus")
    ]
    manager = message(
        HTTP_MANAGER,
        stat_prefix="probes",
        route_config={"virtual_hosts": [{"name": "probes", "domains": ["*"], "routes": routes}]},
        http_filters=[http_filter("router", "router.v3.Router")],
    )
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return [
        {
            "name": "probes",
            "address": socket_address(config.probe_address),
            "filter_chains": [chain],
        }
    ]


_GET: Json = {"name": ":method", "string_match": {"exact": "GET"}}
