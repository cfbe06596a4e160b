"""The metrics service as a process of its own, for tests that talk to it over gRPC or kill it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self
from uuid import UUID

import grpc
from tickettoken.metrics.v1 import (
    analytics_service_pb2_grpc,
    ingest_service_pb2_grpc,
    metrics_service_pb2_grpc,
    realtime_service_pb2_grpc,
)

from deploy.local.credentials import AUDIENCE, ISSUER, PERMISSIONS, Credentials
from deploy.local.data_folder import DataFolder
from deploy.local.ports import free_port
from deploy.local.programs import Program
from deploy.provision import make_keys
from libs.common.auth.identity import IdentityIssuer
from tests.servers.databases import ServiceDatabase


class MetricsProcess:
    """One replica; several may share stores and keys.

    Args:
        folder: Its keys and log.
        database: A migrated database.
        redis_url: Redis.
        mongo_url: MongoDB.
        settings: More settings, by name.
        command: "all", "serve" or "work".
    """

    def __init__(
        self,
        folder: Path,
        database: ServiceDatabase,
        *,
        redis_url: str,
        mongo_url: str,
        command: str = "all",
        **settings: object,
    ) -> None:
        self.folder = folder
        self._data = DataFolder(folder)
        self._data.create()
        self.credentials = Credentials(self._data)
        if not self.credentials.jwks.exists():
            make_keys(self._data.keys, ["metrics"])
        self.port = free_port()
        values = {
            "listen_address": f"127.0.0.1:{self.port}",
            "jwks": self.credentials.jwks,
            "internal_jwks": self.credentials.internal_jwks,
            "jwt_issuer": ISSUER,
            "jwt_audience": AUDIENCE,
            "identity_key_path": self.credentials.identity_key("metrics"),
            "redis_url": redis_url,
            "bus_url": redis_url,
            "mongo_url": mongo_url,
            "database_url": database.app_url,
            "worker_database_url": database.worker_url,
            "drain_seconds": 3,
        } | settings
        self.environment = {f"METRICS_{name.upper()}": str(value) for name, value in values.items()}
        self._program = Program(
            "metrics",
            ["services.metrics", command],
            port=self.port,
            environment=self.environment,
            log=self._data.logs / f"metrics-{self.port}.log",
        )

    def start(self) -> "MetricsProcess":
        self._program.start()
        return self

    def stop(self) -> None:
        """SIGTERM: an orderly end."""
        self._program.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self._program.process.kill()

    def client(self, tenant_id: UUID, **token: object) -> "Client":
        return Client.connected(self.port, tenant_id, self.token(tenant_id, **token))

    def token(
        self,
        tenant_id: UUID,
        *,
        permissions: Collection[str] = PERMISSIONS,
        venue_ids: Collection[UUID] | None = None,
        lifetime: timedelta = timedelta(hours=1),
    ) -> str:
        return self.credentials.user_token(
            tenant_id, permissions=permissions, venue_ids=venue_ids, lifetime=lifetime
        )

    def service_token(self, tenant_id: UUID, *, venue_ids: Collection[UUID] | None = None) -> str:
        """A token of the service's own identity, for internal methods."""
        issuer = IdentityIssuer("metrics", self.credentials.identity_key("metrics"), AUDIENCE)
        return issuer.token(tenant_id, PERMISSIONS, venue_ids)


@dataclass
class Client:
    """Stubs of the service on one channel, and the metadata of one caller."""

    tenant_id: UUID
    channel: grpc.aio.Channel
    metadata: tuple[tuple[str, str], ...]
    metrics: metrics_service_pb2_grpc.MetricsServiceStub
    realtime: realtime_service_pb2_grpc.RealtimeServiceStub
    analytics: analytics_service_pb2_grpc.AnalyticsServiceStub
    ingest: ingest_service_pb2_grpc.IngestServiceStub

    @classmethod
    def connected(cls, port: int, tenant_id: UUID, token: str) -> "Client":
        channel = grpc.aio.insecure_channel(
            f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]
        )
        return cls(
            tenant_id,
            channel,
            (("authorization", f"Bearer {token}"),),
            metrics_service_pb2_grpc.MetricsServiceStub(channel),
            realtime_service_pb2_grpc.RealtimeServiceStub(channel),
            analytics_service_pb2_grpc.AnalyticsServiceStub(channel),
            ingest_service_pb2_grpc.IngestServiceStub(channel),
        )

    def with_key(self, key: str) -> tuple[tuple[str, str], ...]:
        return (*self.metadata, ("idempotency-key", key))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()
