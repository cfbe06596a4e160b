"""The metrics service as a process of its own, for tests that talk to it over gRPC or kill it."""

from dataclasses import dataclass
from typing import Self
from uuid import UUID

import grpc
from tickettoken.metrics.v1 import (
    analytics_service_pb2_grpc,
    ingest_service_pb2_grpc,
    metrics_service_pb2_grpc,
    realtime_service_pb2_grpc,
)

from tests.servers.service_process import ServiceProcess


class MetricsProcess(ServiceProcess):
    """One replica of metrics."""

    def client(self, tenant_id: UUID, **token: object) -> "Client":
        return Client.connected(self.port, tenant_id, self.token(tenant_id, **token))


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
