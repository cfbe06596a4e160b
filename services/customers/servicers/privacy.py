"""PrivacyService."""

from tickettoken.customers.v1 import privacy_service_pb2_grpc

from libs.common.rpc.joining import joined
from services.customers.engines import Engines


def privacy_servicer(engines: Engines) -> privacy_service_pb2_grpc.PrivacyServiceServicer:
    """Erasure, access, and extracts that name nobody."""
    return joined(privacy_service_pb2_grpc.PrivacyServiceServicer)
