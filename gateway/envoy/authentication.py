"""The token check before anything reaches Python: all but what the contracts call public needs a token."""

import re

from gateway.envoy.clusters import TOKEN_KEYS, is_url
from gateway.envoy.config import EnvoyConfig
from gateway.envoy.pages import PAGES, WEBSOCKET
from gateway.envoy.surface import Method
from gateway.envoy.typed import Json, http_filter

PROVIDER = "users"
# Without `List`: it tells which stores there are.
INFRASTRUCTURE = (
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
)

# Names under which something behind the gateway might believe a client about who it is. They are removed
# early on every request; the token filter would only clean the routes it has a rule for.
IDENTITY_HEADERS = (
    "x-tenant-id",
    "x-tenant",
    "x-user-id",
    "x-user",
    "x-permissions",
    "x-venue-ids",
    "x-roles",
    "x-actor",
    "x-service",
    "x-jwt-payload",
    "x-internal",
    "x-real-ip",
    "x-client-address",
    "x-envoy-original-method",
    "x-envoy-original-path",
)


def token_filter(config: EnvoyConfig, methods: tuple[Method, ...]) -> Json:
    """The jwt_authn filter: signature, issuer, audience and expiry, 60 s of skew."""
    provider = {
        "issuer": config.jwt_issuer,
        "audiences": [config.jwt_audience],
        "require_expiration": True,
        "clock_skew_seconds": 60,
        # Named, because the default also takes ?access_token=, and addresses end up in logs.
        "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
        "forward": True,
        # A signature is checked once a token; expiry still every time.
        "jwt_cache_config": {"jwt_cache_size": 5000},
        **_keys(config.jwks),
    }
    return http_filter(
        "jwt_authn",
        "jwt_authn.v3.JwtAuthentication",
        providers={PROVIDER: provider},
        bypass_cors_preflight=True,
        rules=[{"match": match} for match in _open_matches(methods)]
        + [{"match": {"prefix": "/"}, "requires": {"provider_name": PROVIDER}}],
    )


def _keys(location: str) -> Json:
    if not is_url(location):
        return {"local_jwks": {"filename": location}}
    return {
        "remote_jwks": {
            "http_uri": {"uri": location, "cluster": TOKEN_KEYS, "timeout": "5s"},
            "cache_duration": "600s",
            "async_fetch": {"failed_refetch_duration": "5s"},
            "retry_policy": {"num_retries": 3},
        }
    }


def _open_matches(methods: tuple[Method, ...]) -> list[Json]:
    public = [method for method in methods if method.is_public]
    matches: list[Json] = [{"path": method.path} for method in public]
    matches += [
        {"safe_regex": {"regex": _pattern(route.template)}, "headers": [_header(":method", route.verb)]}
        for method in public
        for route in method.routes
    ]
    matches += [{"prefix": prefix} for prefix in INFRASTRUCTURE]
    return [*matches, *PAGES, WEBSOCKET]


def _header(name: str, value: str) -> Json:
    return {"name": name, "string_match": {"exact": value}}


def _pattern(template: str) -> str:
    """A path template as a regular expression; a variable is one segment."""
    return "".join(
        "[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]+\})", template)
    )
