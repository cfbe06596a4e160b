"""CampaignsService."""

from tickettoken.customers.v1 import campaigns_service_pb2_grpc

from libs.common.rpc.joining import joined
from services.customers.engines import Engines


def campaigns_servicer(engines: Engines) -> campaigns_service_pb2_grpc.CampaignsServiceServicer:
    """Campaigns, touchpoints, and what brought the sales."""
    return joined(campaigns_service_pb2_grpc.CampaignsServiceServicer)
