"""Joins servicers to stores: the RPC half of a process."""

import asyncio
from datetime import timedelta
from uuid import UUID

from tickettoken.metrics.v1 import (
    analytics_service_pb2_grpc,
    ingest_service_pb2_grpc,
    metrics_service_pb2_grpc,
    realtime_service_pb2_grpc,
)

from libs.common.bus.consumer import service_caller
from libs.common.context import acting_as
from libs.common.paging import PageTokens
from libs.common.rpc.server import RpcServer
from services.metrics.capacity.answers import CapacityAnswers
from services.metrics.capacity.report import Capacity
from services.metrics.capacity.servicer import CapacityServicer
from services.metrics.counters.commits import CounterCommits
from services.metrics.counters.counters import Counters
from services.metrics.counters.servicer import CountersServicer
from services.metrics.customers_port import customer_figures
from services.metrics.daily.answers import PerformanceAnswers
from services.metrics.daily.performance import VenuePerformance
from services.metrics.daily.servicer import VenuePerformanceServicer
from services.metrics.doors.board import Doors
from services.metrics.doors.servicer import DoorsServicer
from services.metrics.engines import SERVICE, Engines
from services.metrics.exports.exporter import Exporter
from services.metrics.exports.servicer import ExportsServicer
from services.metrics.figures.families import families_of
from services.metrics.figures.figures import FigureReader
from services.metrics.figures.recorded import RecordedFigures
from services.metrics.figures.servicer import FiguresServicer
from services.metrics.ingest.publisher import Publisher
from services.metrics.ingest.servicer import IngestServicer
from services.metrics.joining import joined
from services.metrics.live.feed import ResumeTokens
from services.metrics.live.hub import LiveHub
from services.metrics.live.reader import LiveReader
from services.metrics.live.servicer import RealtimeMetricsServicer, RealtimeServicer
from services.metrics.live.watch import VenueWatch
from services.metrics.marketplace.activity import Marketplace
from services.metrics.marketplace.answers import MarketplaceAnswers
from services.metrics.marketplace.reader import MarketplaceReader
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
from services.metrics.raw_events.replay import Replay
from services.metrics.raw_events.servicer import ReplayServicer
from services.metrics.recording.directory import SeriesDirectory
from services.metrics.recording.queue import GroupCommit
from services.metrics.recording.recorder import Recorder
from services.metrics.recording.servicer import RecordingServicer
from services.metrics.recording.writer import Written
from services.metrics.revenue.answers import RevenueAnswers
from services.metrics.revenue.channels import Channels
from services.metrics.revenue.servicer import RevenueServicer
from services.metrics.revenue.summary import Revenue
from services.metrics.sales.answers import SalesAnswers
from services.metrics.sales.over_time import SalesHistory
from services.metrics.sales.reader import SalesReader
from services.metrics.sales.servicer import SalesServicer
from services.metrics.sales.top_events import Rankings
from services.metrics.sales_trends.answers import SalesTrendsAnswers
from services.metrics.sales_trends.report import TrendsOfSales
from services.metrics.sales_trends.servicer import SalesTrendsServicer
from services.metrics.series.namespaces import series_of
from services.metrics.series.reader import SeriesReader
from services.metrics.series.retention import Retention
from services.metrics.series.servicer import SeriesServicer
from services.metrics.series.sources import bucket_source
from services.metrics.tickets.reader import TicketReader
from services.metrics.tickets.servicer import TicketsServicer
from services.metrics.tickets.status import TicketStatuses
from services.metrics.trends.reader import TrendReader
from services.metrics.trends.servicer import TrendsServicer
from services.metrics.visits.active import ActiveSessions
from services.metrics.visits.funnel import Funnel
from services.metrics.visits.reader import VisitReader
from services.metrics.visits.servicer import FunnelServicer, SessionsServicer


class Serving:
    """The RPC half of the process."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        settings = engines.settings
        self.commits = GroupCommit(
            engines.database,
            engines.slots,
            lanes=settings.ingest_lanes,
            queue_rows=settings.ingest_queue_rows,
            batch_rows=settings.ingest_batch_rows,
            after_commit=self._after_commit,
        )
        self.increments = CounterCommits(engines.database)
        self.calculator = Calculator(
            most_waiting=settings.projection_queue, idle_seconds=settings.projection_idle_seconds
        )
        self.hub = LiveHub(
            engines.database,
            engines.feeds,
            ResumeTokens(engines.key("resume-tokens")),
            slow_reader_seconds=settings.feed_slow_reader_seconds,
            most_subscribers=settings.feed_subscribers,
        )

    def add_to(self, server: RpcServer) -> None:
        """Serve every service of the metrics contract."""
        engines, settings = self._engines, self._engines.settings
        recorder = Recorder(
            SeriesDirectory(engines.database, engines.venues, budget=settings.series_budget),
            self.commits,
            retention_days=settings.retention_days,
        )
        series = SeriesReader(
            engines.database,
            bucket_source(engines.database, engines.influx if settings.series_source == "auto" else None),
            engines.venues,
            engines.cache,
            PageTokens(engines.key("page-tokens")),
            retention_days=settings.retention_days,
            percentile_row_limit=settings.percentile_row_limit,
        )
        trends = TrendReader(engines.database, engines.venues, Retention(settings.retention_days))
        live = LiveReader(engines.database, engines.venues)
        watch = VenueWatch(
            engines.venues, self.hub, engines.feeds, heartbeat_seconds=settings.feed_heartbeat_seconds
        )
        seats = Capacity(engines.database, engines.venues)
        capacity = CapacityAnswers(seats, engines.venues, engines.cache)
        sales_rows = SalesReader(engines.database)
        revenue = RevenueAnswers(
            Revenue(sales_rows, engines.venues), Channels(sales_rows), engines.venues, engines.cache
        )
        history = SalesHistory(engines.database, sales_rows)
        sales = SalesAnswers(
            history,
            Rankings(engines.database, sales_rows, seats),
            engines.venues,
            engines.cache,
        )
        sales_trends = SalesTrendsAnswers(TrendsOfSales(history), engines.venues, engines.cache)
        shows = EventPerformanceAnswers(
            EventPerformance(
                engines.database,
                sales_rows,
                TicketReader(engines.database),
                MarketplaceReader(engines.database),
                PacingReader(seats),
            ),
            engines.venues,
            engines.cache,
        )
        venues_over_time = PerformanceAnswers(
            VenuePerformance(engines.database), engines.venues, engines.cache
        )
        doors = Doors(engines.database, engines.venues)
        tickets = TicketStatuses(
            engines.database, engines.venues, engines.cache, PageTokens(engines.key("page-tokens"))
        )
        counters = Counters(engines.database, engines.venues, self.increments)
        marketplace = MarketplaceAnswers(
            Marketplace(engines.database, engines.venues), engines.venues, engines.cache
        )
        sessions = ActiveSessions(
            engines.database,
            engines.venues,
            PageTokens(engines.key("page-tokens")),
            active_seconds=settings.session_active_seconds,
        )
        funnel = Funnel(engines.database, engines.venues, engines.cache)
        projections = Projections(
            Histories(engines.database, engines.venues, SalesReader(engines.database)),
            self.calculator,
            engines.cache,
        )
        queries = QueryExecutor(
            engines.database, sales_rows, engines.venues, customer_figures(settings.customers_target)
        )
        publisher = Publisher(engines.database, engines.venues, engines.relay)
        replay = Replay(engines.raw_events, engines.key("replay-tokens"))
        server.add(
            metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server,
            joined(
                metrics_service_pb2_grpc.MetricsServiceServicer,
                RecordingServicer(recorder),
                SeriesServicer(series),
                TrendsServicer(trends),
                RealtimeMetricsServicer(live),
                CapacityServicer(capacity),
                FiguresServicer(self._figures(sales_rows, seats)),
            ),
        )
        server.add(
            realtime_service_pb2_grpc.add_RealtimeServiceServicer_to_server,
            joined(
                realtime_service_pb2_grpc.RealtimeServiceServicer,
                RealtimeServicer(live, watch),
                DoorsServicer(doors),
                CountersServicer(counters),
                SessionsServicer(sessions),
            ),
        )
        server.add(
            analytics_service_pb2_grpc.add_AnalyticsServiceServicer_to_server,
            joined(
                analytics_service_pb2_grpc.AnalyticsServiceServicer,
                RevenueServicer(revenue),
                SalesServicer(sales),
                SalesTrendsServicer(sales_trends),
                EventPerformanceServicer(shows),
                ProjectionsServicer(projections),
                FunnelServicer(funnel),
                VenuePerformanceServicer(venues_over_time),
                TicketsServicer(tickets),
                MarketplaceServicer(marketplace),
                OverviewServicer(self._overview(sales_rows, seats)),
                QueryServicer(queries),
                ExportsServicer(Exporter(engines.database, engines.venues)),
            ),
        )
        server.add(
            ingest_service_pb2_grpc.add_IngestServiceServicer_to_server,
            joined(
                ingest_service_pb2_grpc.IngestServiceServicer,
                IngestServicer(publisher),
                ReplayServicer(replay),
            ),
        )

    async def start(self) -> None:
        self.commits.start()
        self.hub.start()

    async def close(self) -> None:
        await self.calculator.close()
        await self.hub.stop()
        await self.commits.stop()
        await self.increments.stop()

    async def say_goodbye(self, draining: asyncio.Event) -> None:
        """Close the streams with their last word when the server begins to drain."""
        await draining.wait()
        self.hub.close_streams("SHUTTING_DOWN", "this replica stops; come back now, another one answers")

    def _figures(self, sales: SalesReader, seats: Capacity) -> FigureReader:
        engines, settings = self._engines, self._engines.settings
        return FigureReader(
            engines.database,
            engines.venues,
            RecordedFigures(Retention(settings.retention_days), settings.percentile_row_limit),
            families_of(sales, TicketReader(engines.database), seats),
        )

    def _overview(self, sales: SalesReader, seats: Capacity) -> OverviewAnswers:
        engines, settings = self._engines, self._engines.settings
        database = engines.database
        visits = VisitReader(database, active_seconds=settings.session_active_seconds)
        traffic = Traffic(visits, kept=timedelta(days=settings.visit_retention_days))
        realtime = Realtime(
            database,
            sales=sales,
            visits=visits,
            traffic=traffic,
            tickets=TicketReader(database),
            capacity=seats,
        )
        dashboards = Dashboards(
            database,
            sales=sales,
            history=SalesHistory(database, sales),
            rankings=Rankings(database, sales, seats),
            traffic=traffic,
            capacity=seats,
            customers=customer_figures(settings.customers_target),
        )
        return OverviewAnswers(realtime, dashboards, engines.venues, engines.cache)

    async def _after_commit(self, tenant_id: UUID, written: Written) -> None:
        """Tell feeds and caches what a group of recorded rows changed."""
        if written.live:
            self._engines.live.touch(tenant_id, written.live)
        if written.changed:
            with acting_as(service_caller(SERVICE, tenant_id)):
                await self._engines.cache.invalidate(
                    {series_of(key.venue_id, key.metric_type) for key in written.changed}
                )
