"""CustomerPredictionsService."""

from tickettoken.customers.v1 import customer_predictions_service_pb2_grpc

from libs.common.rpc.joining import joined
from services.customers.engines import Engines


def customer_predictions_servicer(
    engines: Engines,
) -> customer_predictions_service_pb2_grpc.CustomerPredictionsServiceServicer:
    """What to expect of a customer."""
    return joined(customer_predictions_service_pb2_grpc.CustomerPredictionsServiceServicer)
