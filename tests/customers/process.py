"""The customers service as a process of its own, for tests that talk to it over gRPC or kill it."""

from dataclasses import dataclass
from typing import Self
from uuid import UUID

import grpc
from tickettoken.customers.v1 import (
    campaigns_service_pb2_grpc,
    customer_analytics_service_pb2_grpc,
    customer_predictions_service_pb2_grpc,
    customers_service_pb2_grpc,
    insights_service_pb2_grpc,
    privacy_service_pb2_grpc,
)

from tests.servers.service_process import ServiceProcess


class CustomersProcess(ServiceProcess):
    """One replica of customers."""

    def client(self, tenant_id: UUID, **token: object) -> "Client":
        return Client.connected(self.port, tenant_id, self.token(tenant_id, **token))


@dataclass
class Client:
    """Stubs of the service on one channel, and the metadata of one caller."""

    tenant_id: UUID
    channel: grpc.aio.Channel
    metadata: tuple[tuple[str, str], ...]
    customers: customers_service_pb2_grpc.CustomersServiceStub
    analytics: customer_analytics_service_pb2_grpc.CustomerAnalyticsServiceStub
    insights: insights_service_pb2_grpc.InsightsServiceStub
    campaigns: campaigns_service_pb2_grpc.CampaignsServiceStub
    predictions: customer_predictions_service_pb2_grpc.CustomerPredictionsServiceStub
    privacy: privacy_service_pb2_grpc.PrivacyServiceStub

    @classmethod
    def connected(cls, port: int, tenant_id: UUID, token: str) -> "Client":
        channel = grpc.aio.insecure_channel(
            f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]
        )
        return cls(
            tenant_id,
            channel,
            (("authorization", f"Bearer {token}"),),
            customers_service_pb2_grpc.CustomersServiceStub(channel),
            customer_analytics_service_pb2_grpc.CustomerAnalyticsServiceStub(channel),
            insights_service_pb2_grpc.InsightsServiceStub(channel),
            campaigns_service_pb2_grpc.CampaignsServiceStub(channel),
            customer_predictions_service_pb2_grpc.CustomerPredictionsServiceStub(channel),
            privacy_service_pb2_grpc.PrivacyServiceStub(channel),
        )

    def with_key(self, key: str) -> tuple[tuple[str, str], ...]:
        return (*self.metadata, ("idempotency-key", key))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()
