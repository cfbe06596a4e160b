"""CustomerAnalyticsService."""

from tickettoken.customers.v1 import customer_analytics_service_pb2_grpc

from libs.common.rpc.joining import joined
from services.customers.churn.servicer import ChurnRiskServicer
from services.customers.counts.counting import Counting
from services.customers.counts.servicer import CountsServicer
from services.customers.engines import Engines
from services.customers.lifetime.servicer import LifetimeSummaryServicer
from services.customers.segments.servicer import SegmentFiguresServicer
from services.customers.servicers.churn_answers import churn_risk
from services.customers.servicers.lifetime_values import lifetime_values
from services.customers.servicers.segment_answers import segment_answers


def customer_analytics_servicer(
    engines: Engines,
) -> customer_analytics_service_pb2_grpc.CustomerAnalyticsServiceServicer:
    """Figures over many customers."""
    return joined(
        customer_analytics_service_pb2_grpc.CustomerAnalyticsServiceServicer,
        LifetimeSummaryServicer(lifetime_values(engines)),
        SegmentFiguresServicer(segment_answers(engines)),
        ChurnRiskServicer(churn_risk(engines)),
        CountsServicer(Counting(engines.database, engines.venues)),
    )
