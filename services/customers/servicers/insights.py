"""InsightsService."""

from tickettoken.customers.v1 import insights_service_pb2_grpc

from libs.common.rpc.joining import joined
from services.customers.engines import Engines


def insights_servicer(engines: Engines) -> insights_service_pb2_grpc.InsightsServiceServicer:
    """Findings made from facts, cohorts, and lists of customers."""
    return joined(insights_service_pb2_grpc.InsightsServiceServicer)
