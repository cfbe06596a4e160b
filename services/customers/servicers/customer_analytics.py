"""CustomerAnalyticsService."""

from tickettoken.customers.v1 import customer_analytics_service_pb2_grpc

from libs.common.rpc.joining import joined
from services.customers.engines import Engines
from services.customers.lifetime.servicer import LifetimeSummaryServicer
from services.customers.servicers.lifetime_values import lifetime_values


def customer_analytics_servicer(
    engines: Engines,
) -> customer_analytics_service_pb2_grpc.CustomerAnalyticsServiceServicer:
    """Figures over many customers."""
    return joined(
        customer_analytics_service_pb2_grpc.CustomerAnalyticsServiceServicer,
        LifetimeSummaryServicer(lifetime_values(engines)),
    )
