"""Envoy's configuration, derived from the contracts: the front door for JSON, gRPC, SSE and WebSocket."""

from gateway.envoy.config import Address, EnvoyConfig
from gateway.envoy.render import render

__all__ = ["Address", "EnvoyConfig", "render"]
