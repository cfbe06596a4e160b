"""Envoy's extension objects in their JSON form."""

from typing import Any

from gateway.envoy.config import Address

Json = dict[str, Any]

_HTTP_FILTERS = "envoy.extensions.filters.http"


def message(type_name: str, /, **fields: Any) -> Json:
    """A message that says its own type, as `typed_config` wants it."""
    return {"@type": f"type.googleapis.com/{type_name}", **fields}


def extension(name: str, type_name: str, /, **fields: Any) -> Json:
    """A named extension with its configuration."""
    return {"name": name, "typed_config": message(type_name, **fields)}


def http_filter(name: str, type_name: str, /, **fields: Any) -> Json:
    """An HTTP filter, for example `http_filter("buffer", "buffer.v3.Buffer", ...)`."""
    return extension(f"envoy.filters.http.{name}", f"{_HTTP_FILTERS}.{type_name}", **fields)


def per_route(name: str, type_name: str, /, **fields: Any) -> Json:
    """One entry of `typed_per_filter_config`: what a route changes about a filter."""
    return {f"envoy.filters.http.{name}": message(f"{_HTTP_FILTERS}.{type_name}", **fields)}


def socket_address(address: Address) -> Json:
    host, port = address
    return {"socket_address": {"address": host, "port_value": port}}


def seconds(value: float) -> str:
    return f"{value:g}s"
