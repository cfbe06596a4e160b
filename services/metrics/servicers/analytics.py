"""AnalyticsService."""

from datetime import timedelta

from tickettoken.metrics.v1 import (
    analytics_service_pb2_grpc,
)

from libs.common.rpc.joining import joined
from services.metrics.daily.answers import PerformanceAnswers
from services.metrics.daily.performance import VenuePerformance
from services.metrics.daily.servicer import VenuePerformanceServicer
from services.metrics.engines import Engines
from services.metrics.exports.exporter import Exporter
from services.metrics.exports.servicer import ExportsServicer
from services.metrics.marketplace.activity import Marketplace
from services.metrics.marketplace.answers import MarketplaceAnswers
from services.metrics.marketplace.servicer import MarketplaceServicer
from services.metrics.overview.answers import OverviewAnswers
from services.metrics.overview.dashboard import Dashboards
from services.metrics.overview.realtime import Realtime
from services.metrics.overview.servicer import OverviewServicer
from services.metrics.overview.traffic import Traffic
from services.metrics.performance.answers import EventPerformanceAnswers
from services.metrics.performance.pacing import PacingReader
from services.metrics.performance.report import EventPerformance
from services.metrics.performance.servicer import EventPerformanceServicer
from services.metrics.projections.answers import Projections
from services.metrics.projections.calculator import Calculator
from services.metrics.projections.history import Histories
from services.metrics.projections.servicer import ProjectionsServicer
from services.metrics.query.executor import QueryExecutor
from services.metrics.query.servicer import QueryServicer
from services.metrics.readers import Readers
from services.metrics.revenue.answers import RevenueAnswers
from services.metrics.revenue.channels import Channels
from services.metrics.revenue.servicer import RevenueServicer
from services.metrics.revenue.summary import Revenue
from services.metrics.sales.answers import SalesAnswers
from services.metrics.sales.servicer import SalesServicer
from services.metrics.sales_trends.answers import SalesTrendsAnswers
from services.metrics.sales_trends.report import TrendsOfSales
from services.metrics.sales_trends.servicer import SalesTrendsServicer
from services.metrics.tickets.servicer import TicketsServicer
from services.metrics.tickets.status import TicketStatuses
from services.metrics.visits.funnel import Funnel
from services.metrics.visits.servicer import FunnelServicer


def analytics_servicer(
    engines: Engines, readers: Readers, calculator: Calculator
) -> analytics_service_pb2_grpc.AnalyticsServiceServicer:
    """The service that answers with figures from the platform's own facts."""
    return joined(
        analytics_service_pb2_grpc.AnalyticsServiceServicer,
        *_of_sales(engines, readers, calculator),
        *_of_shows(engines, readers),
        OverviewServicer(_overview(engines, readers)),
        QueryServicer(QueryExecutor(engines.database, readers.sales, engines.venues, readers.customers)),
        ExportsServicer(Exporter(engines.database, engines.venues)),
    )


def _of_sales(engines: Engines, readers: Readers, calculator: Calculator) -> tuple[object, ...]:
    database, venues, cache = engines.database, engines.venues, engines.cache
    revenue = RevenueAnswers(Revenue(readers.sales, venues), Channels(readers.sales), venues, cache)
    projections = Projections(Histories(database, venues, readers.sales), calculator, cache)
    return (
        RevenueServicer(revenue),
        SalesServicer(SalesAnswers(readers.history, readers.rankings, venues, cache)),
        SalesTrendsServicer(SalesTrendsAnswers(TrendsOfSales(readers.history), venues, cache)),
        ProjectionsServicer(projections),
        FunnelServicer(Funnel(database, venues, cache)),
    )


def _of_shows(engines: Engines, readers: Readers) -> tuple[object, ...]:
    database, venues, cache = engines.database, engines.venues, engines.cache
    performance = EventPerformance(
        database, readers.sales, readers.tickets, readers.market, PacingReader(readers.seats)
    )
    return (
        EventPerformanceServicer(EventPerformanceAnswers(performance, venues, cache)),
        VenuePerformanceServicer(PerformanceAnswers(VenuePerformance(database), venues, cache)),
        TicketsServicer(TicketStatuses(database, venues, cache, readers.pages)),
        MarketplaceServicer(MarketplaceAnswers(Marketplace(database, venues), venues, cache)),
    )


def _overview(engines: Engines, readers: Readers) -> OverviewAnswers:
    kept = timedelta(days=engines.settings.visit_retention_days)
    traffic = Traffic(readers.visits, kept=kept)
    realtime = Realtime(
        engines.database,
        sales=readers.sales,
        visits=readers.visits,
        traffic=traffic,
        tickets=readers.tickets,
        capacity=readers.seats,
    )
    dashboards = Dashboards(
        engines.database,
        sales=readers.sales,
        history=readers.history,
        rankings=readers.rankings,
        traffic=traffic,
        capacity=readers.seats,
        customers=readers.customers,
    )
    return OverviewAnswers(realtime, dashboards, engines.venues, engines.cache)
