"""CustomersService."""

from tickettoken.customers.v1 import customers_service_pb2_grpc

from libs.common.rpc.joining import joined
from services.customers.auditing import AUDIT_KEY, Audit
from services.customers.behavior.reader import BehaviorReader
from services.customers.behavior.store import BehaviorStore
from services.customers.engines import SERVICE, Engines
from services.customers.exports.exporter import Exporter
from services.customers.exports.servicer import ExportsServicer
from services.customers.insights.customers import CustomerInsights
from services.customers.insights.servicer import CustomerInsightsOfCustomersServicer
from services.customers.journey.journey import Journeys
from services.customers.journey.servicer import JourneyServicer
from services.customers.journey.sources import Sessions, Touchpoints
from services.customers.lifetime.servicer import LifetimeServicer
from services.customers.people.reader import PeopleReader
from services.customers.people.search import Search
from services.customers.people.servicer import SearchServicer
from services.customers.privacy.pseudonyms import DailyPseudonyms
from services.customers.profile.servicer import ProfileServicer
from services.customers.rfm.answers import ScoreAnswers
from services.customers.rfm.reader import ScoreReader
from services.customers.rfm.servicer import RfmServicer
from services.customers.segments.definitions import SegmentDefinitions
from services.customers.segments.servicer import SegmentsServicer
from services.customers.servicers.lifetime_values import lifetime_values
from services.customers.servicers.profiles import profiles
from services.customers.servicers.segment_answers import segment_answers
from services.customers.touchpoints.reader import TouchpointReader
from services.customers.touchpoints.store import TouchpointStore


def customers_servicer(engines: Engines) -> customers_service_pb2_grpc.CustomersServiceServicer:
    """People: profiles, segments, search, journeys."""
    database, venues, pages = engines.database, engines.venues, engines.pages
    people = PeopleReader(database)
    sessions = Sessions(BehaviorReader(BehaviorStore.of(engines.mongo, engines.settings)))
    touchpoints = Touchpoints(TouchpointReader(TouchpointStore(engines.mongo)))
    return joined(
        customers_service_pb2_grpc.CustomersServiceServicer,
        ExportsServicer(
            Exporter(
                database,
                venues,
                DailyPseudonyms(engines.redis, service=SERVICE),
                Audit(database, engines.key(AUDIT_KEY)),
            )
        ),
        SearchServicer(Search(database, venues, people, pages)),
        ProfileServicer(profiles(engines)),
        JourneyServicer(Journeys(database, venues, people, pages, [sessions, touchpoints])),
        LifetimeServicer(lifetime_values(engines)),
        RfmServicer(ScoreAnswers(ScoreReader(database), people, venues)),
        SegmentsServicer(
            segment_answers(engines), SegmentDefinitions(database, venues, engines.key(AUDIT_KEY))
        ),
        CustomerInsightsOfCustomersServicer(
            CustomerInsights(database, venues, people, ScoreReader(database))
        ),
    )
