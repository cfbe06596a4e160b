"""CustomersService."""

from tickettoken.customers.v1 import customers_service_pb2_grpc

from libs.common.rpc.joining import joined
from services.customers.engines import Engines
from services.customers.lifetime.servicer import LifetimeServicer
from services.customers.servicers.lifetime_values import lifetime_values


def customers_servicer(engines: Engines) -> customers_service_pb2_grpc.CustomersServiceServicer:
    """People: profiles, segments, search, journeys."""
    return joined(
        customers_service_pb2_grpc.CustomersServiceServicer, LifetimeServicer(lifetime_values(engines))
    )
