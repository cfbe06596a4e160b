"""Where requests go: one cluster a service, health-checked, bounded, and set aside while it misbehaves."""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.envoy.config import Address, EnvoyConfig
from gateway.envoy.typed import Json, extension, message, socket_address

EDGE_HTTP = "edge-http"
TOKEN_KEYS = "token-keys"  # noqa: S105 - the name of a cluster
TRACES = "traces"
ADMIN = "admin"

_PROTOCOLS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_TLS = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"


def clusters(config: EnvoyConfig) -> list[Json]:
    """Every cluster that routes, token check and tracer name; a service's is called as its domain."""
    return list(_clusters(config))


def _clusters(config: EnvoyConfig) -> Iterator[Json]:
    for domain, address in sorted(config.upstreams.items()):
        yield (
            _cluster(domain, address) | _HTTP2 | _guards(config) | _GRPC_HEALTH | _mutual_tls(config, address)
        )
    yield _cluster(EDGE_HTTP, config.edge_http) | _guards(config)
    if is_url(config.jwks):
        yield _key_server(config.jwks)
    if config.otlp_endpoint is not None:
        yield _cluster(TRACES, config.otlp_endpoint) | _HTTP2
    if config.admin_address is not None:
        yield _cluster(ADMIN, config.admin_address)


def is_url(location: str) -> bool:
    return location.startswith(("http://", "https://"))


def _cluster(name: str, address: Address) -> Json:
    return {
        "name": name,
        "type": "STATIC" if _is_ip(address.host) else "STRICT_DNS",
        "connect_timeout": "2s",
        "lb_policy": "ROUND_ROBIN",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket_address(address)}}]}],
        },
    }


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


_HTTP2: Json = {
    "typed_extension_protocol_options": {
        _PROTOCOLS: message(
            _PROTOCOLS,
            explicit_http_config={
                "http2_protocol_options": {
                    "connection_keepalive": {"interval": "30s", "timeout": "10s"},
                }
            },
        )
    }
}

_GRPC_HEALTH: Json = {
    "health_checks": [
        {
            "timeout": "1s",
            "interval": "5s",
            "unhealthy_interval": "1s",
            "no_traffic_interval": "2s",
            "no_traffic_healthy_interval": "5s",
            "unhealthy_threshold": 3,
            "healthy_threshold": 1,
            "grpc_health_check": {},
        }
    ],
    # DNS may drop a replica that still works, for example during a partial outage of the name server.
    "ignore_health_on_host_removal": True,
}


def _guards(config: EnvoyConfig) -> Json:
    return {
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": 1024,
                    "max_pending_requests": 1024,
                    "max_requests": config.max_upstream_requests,
                    "retry_budget": {"budget_percent": {"value": 20}, "min_retry_concurrency": 3},
                }
            ]
        },
        # Only failures to talk set a replica aside: a service's refusals are answers, even UNAVAILABLE ones.
        "outlier_detection": {
            "split_external_local_origin_errors": True,
            "consecutive_local_origin_failure": 5,
            "enforcing_consecutive_5xx": 0,
            "enforcing_consecutive_gateway_failure": 0,
            "enforcing_success_rate": 0,
            "base_ejection_time": "5s",
            "max_ejection_percent": 50,
        },
        "per_connection_buffer_limit_bytes": config.max_response_bytes,
    }


def _mutual_tls(config: EnvoyConfig, address: Address) -> Json:
    if config.upstream_ca_path is None:
        return {}
    context: Json = {"validation_context": {"trusted_ca": {"filename": config.upstream_ca_path}}}
    if config.upstream_certificate_path and config.upstream_key_path:
        context["tls_certificates"] = [
            {
                "certificate_chain": {"filename": config.upstream_certificate_path},
                "private_key": {"filename": config.upstream_key_path},
            }
        ]
    context["validation_context"]["match_typed_subject_alt_names"] = [
        {"san_type": "IP_ADDRESS" if _is_ip(address.host) else "DNS", "matcher": {"exact": address.host}}
    ]
    socket = extension("envoy.transport_sockets.tls", _TLS, common_tls_context=context, sni=address.host)
    return {"transport_socket": socket}


def _key_server(url: str) -> Json:
    parts = urlsplit(url)
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    cluster = _cluster(TOKEN_KEYS, Address(host, parts.port or (443 if secure else 80)))
    if secure:
        trusted = {"validation_context": {"trusted_ca": {"filename": "/etc/ssl/certs/ca-certificates.crt"}}}
        cluster["transport_socket"] = extension(
            "envoy.transport_sockets.tls", _TLS, sni=host, common_tls_context=trusted
        )
    return cluster
