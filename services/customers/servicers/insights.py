"""InsightsService."""

from tickettoken.customers.v1 import insights_service_pb2_grpc

from libs.common.rpc.joining import joined
from services.customers.engines import Engines
from services.customers.people.reader import PeopleReader
from services.customers.preferences.preferences import Tastes
from services.customers.preferences.servicer import PreferencesServicer


def insights_servicer(engines: Engines) -> insights_service_pb2_grpc.InsightsServiceServicer:
    """Findings made from facts, cohorts, and lists of customers."""
    people = PeopleReader(engines.database)
    return joined(
        insights_service_pb2_grpc.InsightsServiceServicer,
        PreferencesServicer(Tastes(engines.database, people, engines.cache)),
    )
