"""InsightsService."""

from tickettoken.customers.v1 import insights_service_pb2_grpc

from libs.common.rpc.joining import joined
from services.customers.auditing import AUDIT_KEY
from services.customers.cohorts.answers import CohortAnswers
from services.customers.cohorts.reader import CohortReader
from services.customers.cohorts.servicer import CohortServicer
from services.customers.engines import Engines
from services.customers.insights.customers import CustomerInsights
from services.customers.insights.judging import Judging
from services.customers.insights.listing import Listing
from services.customers.insights.refreshing import Refreshing
from services.customers.insights.servicer import CustomerInsightServicer, InsightServicer
from services.customers.people.reader import PeopleReader
from services.customers.preferences.preferences import Tastes
from services.customers.preferences.servicer import PreferencesServicer
from services.customers.profile.servicer import UserProfileServicer
from services.customers.rfm.reader import ScoreReader
from services.customers.segments.listing import CustomerListing
from services.customers.segments.servicer import VenueCustomersServicer
from services.customers.servicers.profiles import profiles
from services.customers.servicers.segment_answers import segment_answers


def insights_servicer(engines: Engines) -> insights_service_pb2_grpc.InsightsServiceServicer:
    """Findings made from facts, cohorts, and lists of customers."""
    database, venues, cache = engines.database, engines.venues, engines.cache
    people = PeopleReader(database)
    cohorts = CohortReader(database)
    refreshing = Refreshing.of(database, venues, cache)
    return joined(
        insights_service_pb2_grpc.InsightsServiceServicer,
        CohortServicer(CohortAnswers(cohorts, venues, cache)),
        InsightServicer(
            Listing(database, venues, engines.pages), refreshing, Judging(database, engines.key(AUDIT_KEY))
        ),
        CustomerInsightServicer(CustomerInsights(database, venues, people, ScoreReader(database))),
        UserProfileServicer(profiles(engines)),
        VenueCustomersServicer(
            segment_answers(engines),
            CustomerListing(database, venues, ScoreReader(database), people, engines.pages),
        ),
        PreferencesServicer(Tastes(engines.database, people, engines.cache)),
    )
