"""Real servers as ordinary child processes, one module each: no root, no container, no system service."""

from deploy.local.servers.envoy import Envoy
from deploy.local.servers.postgres import Postgres
from deploy.local.servers.secantus import Secantus
from deploy.local.servers.server import Server
from deploy.local.servers.valkey import Valkey

__all__ = ["Envoy", "Postgres", "Secantus", "Server", "Valkey"]
