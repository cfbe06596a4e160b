"""CustomerPredictionsService."""

from tickettoken.customers.v1 import customer_predictions_service_pb2_grpc

from libs.common.rpc.joining import joined
from services.customers.churn.servicer import ChurnPredictionServicer
from services.customers.engines import Engines
from services.customers.lifetime.servicer import LifetimePredictionServicer
from services.customers.models.registry import ModelRegistry
from services.customers.models.servicer import ModelsServicer
from services.customers.servicers.churn_answers import churn_answers
from services.customers.servicers.lifetime_values import lifetime_values


def customer_predictions_servicer(
    engines: Engines,
) -> customer_predictions_service_pb2_grpc.CustomerPredictionsServiceServicer:
    """What to expect of a customer."""
    return joined(
        customer_predictions_service_pb2_grpc.CustomerPredictionsServiceServicer,
        LifetimePredictionServicer(lifetime_values(engines)),
        ChurnPredictionServicer(churn_answers(engines)),
        ModelsServicer(ModelRegistry(engines.database, engines.venues)),
    )
