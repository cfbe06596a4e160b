"""What the edge process serves over plain HTTP; the token is its own business there."""

from gateway.envoy.typed import Json

# Documentation is public; nothing of a tenant is in it.
PAGES: tuple[Json, ...] = (
    {"path": "/"},
    {"path": "/favicon.ico"},
    {"path": "/api/openapi.json"},
    {"path": "/api/docs"},
    {"prefix": "/api/docs/"},
)

# Browsers cannot set headers on a WebSocket: the edge takes the token from the subprotocol and verifies it.
WEBSOCKET: Json = {
    "prefix": "/api/realtime/",
    "headers": [{"name": "upgrade", "string_match": {"exact": "websocket", "ignore_case": True}}],
}
