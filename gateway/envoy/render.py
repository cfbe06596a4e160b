"""The whole bootstrap configuration as text."""

import json

from gateway.envoy.clusters import clusters
from gateway.envoy.config import EnvoyConfig
from gateway.envoy.listener import api_listener
from gateway.envoy.observing import probe_listener
from gateway.envoy.surface import Method, read_surface
from gateway.envoy.typed import Json, extension, socket_address


def render(config: EnvoyConfig) -> str:
    """Envoy's bootstrap as JSON, which Envoy reads like YAML.

    Raises:
        OSError: The descriptor set is not there.
    """
    return json.dumps(bootstrap(config), indent=1)


def bootstrap(config: EnvoyConfig) -> Json:
    """The bootstrap as a dictionary."""
    listeners = [api_listener(config, served_methods(config)), *probe_listener(config)]
    whole: Json = {
        "node": {"id": "gateway", "cluster": "tickettoken"},
        "static_resources": {"listeners": listeners, "clusters": clusters(config)},
        "overload_manager": _connection_limit(config.max_connections),
    }
    if config.admin_address is not None:
        whole["admin"] = {"address": socket_address(config.admin_address)}
    return whole


def served_methods(config: EnvoyConfig) -> tuple[Method, ...]:
    """The methods clients can reach: those of a domain with an upstream, except what only services call."""
    methods = read_surface(config.descriptors)
    return tuple(method for method in methods if method.domain in config.upstreams and not method.is_internal)


def _connection_limit(connections: int) -> Json:
    monitor = extension(
        "envoy.resource_monitors.global_downstream_max_connections",
        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        max_active_downstream_connections=connections,
    )
    return {"resource_monitors": [monitor]}
