"""The edge is tested through the gateway it stands behind."""

from tests.gateway.conftest import anonymous, client, front, running_front

__all__ = ["anonymous", "client", "front", "running_front"]
