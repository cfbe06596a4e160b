"""Joins servicers to stores: the RPC half of a process."""

import asyncio

from tickettoken.customers.v1 import (
    campaigns_service_pb2_grpc,
    customer_analytics_service_pb2_grpc,
    customer_predictions_service_pb2_grpc,
    customers_service_pb2_grpc,
    insights_service_pb2_grpc,
    privacy_service_pb2_grpc,
)

from libs.common.rpc.server import RpcServer
from services.customers.engines import Engines
from services.customers.servicers.campaigns import campaigns_servicer
from services.customers.servicers.customer_analytics import customer_analytics_servicer
from services.customers.servicers.customer_predictions import customer_predictions_servicer
from services.customers.servicers.customers import customers_servicer
from services.customers.servicers.insights import insights_servicer
from services.customers.servicers.privacy import privacy_servicer


class Serving:
    """The RPC half of the process."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def add_to(self, server: RpcServer) -> None:
        """Serve every service of the customers contract."""
        engines = self._engines
        server.add(
            customers_service_pb2_grpc.add_CustomersServiceServicer_to_server, customers_servicer(engines)
        )
        server.add(
            customer_analytics_service_pb2_grpc.add_CustomerAnalyticsServiceServicer_to_server,
            customer_analytics_servicer(engines),
        )
        server.add(
            insights_service_pb2_grpc.add_InsightsServiceServicer_to_server, insights_servicer(engines)
        )
        server.add(
            campaigns_service_pb2_grpc.add_CampaignsServiceServicer_to_server, campaigns_servicer(engines)
        )
        server.add(
            customer_predictions_service_pb2_grpc.add_CustomerPredictionsServiceServicer_to_server,
            customer_predictions_servicer(engines),
        )
        server.add(privacy_service_pb2_grpc.add_PrivacyServiceServicer_to_server, privacy_servicer(engines))

    async def start(self) -> None:
        """Nothing runs before the first call."""

    async def close(self) -> None:
        """Nothing outlives the last call."""

    async def say_goodbye(self, draining: asyncio.Event) -> None:
        """No method of the contract streams without end."""
