"""Joins servicers to stores: the RPC half of a process."""

import asyncio
from uuid import UUID

from tickettoken.metrics.v1 import (
    analytics_service_pb2_grpc,
    ingest_service_pb2_grpc,
    metrics_service_pb2_grpc,
    realtime_service_pb2_grpc,
)

from libs.common.bus.consumer import service_caller
from libs.common.context import acting_as
from libs.common.rpc.server import RpcServer
from services.metrics.counters.commits import CounterCommits
from services.metrics.engines import SERVICE, Engines
from services.metrics.live.feed import ResumeTokens
from services.metrics.live.hub import LiveHub
from services.metrics.projections.calculator import Calculator
from services.metrics.readers import Readers
from services.metrics.recording.queue import GroupCommit
from services.metrics.recording.writer import Written
from services.metrics.series.namespaces import series_of
from services.metrics.servicers.analytics import analytics_servicer
from services.metrics.servicers.ingest import ingest_servicer
from services.metrics.servicers.metrics import metrics_servicer
from services.metrics.servicers.realtime import realtime_servicer


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
        engines, readers = self._engines, Readers(self._engines)
        server.add(
            metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server,
            metrics_servicer(engines, readers, self.commits),
        )
        server.add(
            realtime_service_pb2_grpc.add_RealtimeServiceServicer_to_server,
            realtime_servicer(engines, readers, self.hub, self.increments),
        )
        server.add(
            analytics_service_pb2_grpc.add_AnalyticsServiceServicer_to_server,
            analytics_servicer(engines, readers, self.calculator),
        )
        server.add(ingest_service_pb2_grpc.add_IngestServiceServicer_to_server, ingest_servicer(engines))

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

    async def _after_commit(self, tenant_id: UUID, written: Written) -> None:
        """Tell feeds and caches what a group of recorded rows changed."""
        if written.live:
            self._engines.live.touch(tenant_id, written.live)
        if written.changed:
            with acting_as(service_caller(SERVICE, tenant_id)):
                await self._engines.cache.invalidate(
                    {series_of(key.venue_id, key.metric_type) for key in written.changed}
                )
