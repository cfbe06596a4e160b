"""CampaignsService."""

from tickettoken.customers.v1 import campaigns_service_pb2_grpc

from libs.common.rpc.joining import joined
from services.customers.attribution.calculator import Calculator
from services.customers.attribution.campaign_answers import CampaignAnswers
from services.customers.attribution.collecting import Collecting
from services.customers.attribution.performance_answers import PerformanceAnswers
from services.customers.attribution.servicer import AttributionServicer
from services.customers.attribution.studies import Studies
from services.customers.auditing import AUDIT_KEY
from services.customers.behavior.reader import BehaviorReader
from services.customers.behavior.store import BehaviorStore
from services.customers.campaigns.commands import CampaignCommands
from services.customers.campaigns.documents import CampaignDocuments
from services.customers.campaigns.following import Following
from services.customers.campaigns.reader import CampaignReader
from services.customers.campaigns.servicer import CampaignsServicer
from services.customers.engines import Engines
from services.customers.touchpoints.reader import TouchpointReader
from services.customers.touchpoints.servicer import TouchpointsServicer
from services.customers.touchpoints.store import TouchpointStore
from services.customers.touchpoints.tracking import Tracking


def campaigns_servicer(engines: Engines) -> campaigns_service_pb2_grpc.CampaignsServiceServicer:
    """Campaigns, touchpoints, and what brought the sales."""
    documents = CampaignDocuments(engines.mongo)
    following = Following(engines.database, documents)
    commands = CampaignCommands(engines.database, engines.venues, following, engines.key(AUDIT_KEY))
    campaigns = CampaignReader(engines.database, documents, engines.venues)
    touchpoints = TouchpointReader(TouchpointStore(engines.mongo))
    behavior = BehaviorReader(BehaviorStore.of(engines.mongo, engines.settings))
    studies = Studies(touchpoints, Collecting(engines.database, touchpoints, behavior), Calculator())
    return joined(
        campaigns_service_pb2_grpc.CampaignsServiceServicer,
        CampaignsServicer(commands, campaigns, engines.pages),
        TouchpointsServicer(Tracking(engines.database, engines.venues, campaigns)),
        AttributionServicer(
            CampaignAnswers(campaigns, studies, engines.cache),
            PerformanceAnswers(campaigns, studies, engines.venues, engines.cache),
        ),
    )
