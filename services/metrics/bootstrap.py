"""Builds a process's engines, joins servicers and workers to them, and runs what was asked for."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from redis.asyncio import Redis
from tickettoken.metrics.v1 import (
    analytics_service_pb2_grpc,
    ingest_service_pb2_grpc,
    metrics_service_pb2_grpc,
    realtime_service_pb2_grpc,
)

from libs.common import redis
from libs.common.auth.tokens import TokenVerifier
from libs.common.bus import open_bus
from libs.common.bus.consumer import service_caller
from libs.common.bus.outbox import OutboxRelay
from libs.common.cache.cache import Cache
from libs.common.context import acting_as
from libs.common.jobs.runner import JobRunner
from libs.common.observability.logging import configure_logging
from libs.common.observability.tracing import configure_tracing
from libs.common.paging import PageTokens
from libs.common.postgres.database import Database
from libs.common.rpc.idempotency import IdempotencyStore
from libs.common.rpc.ratelimit import RateLimiter
from libs.common.rpc.server import RpcServer
from libs.common.sealing import derive_key
from libs.common.settings import DEFAULT_RATE_LIMITS
from libs.common.tasks import essential, stopped_by_failures
from services.metrics.capacity.answers import CapacityAnswers
from services.metrics.capacity.report import Capacity
from services.metrics.capacity.servicer import CapacityServicer
from services.metrics.catalog.venues import Venues
from services.metrics.ingest.publisher import Publisher
from services.metrics.ingest.relaying import SubscribedRelay
from services.metrics.ingest.servicer import IngestServicer
from services.metrics.joining import joined
from services.metrics.live.feed import Feeds, ResumeTokens
from services.metrics.live.hub import LiveHub
from services.metrics.live.publisher import LivePublisher
from services.metrics.live.reader import LiveReader
from services.metrics.live.repair import FeedRepair
from services.metrics.live.sales import LiveSales
from services.metrics.live.servicer import RealtimeMetricsServicer, RealtimeServicer
from services.metrics.live.watch import VenueWatch
from services.metrics.raw_events import consumer as raw_events_queue
from services.metrics.raw_events.consumer import RawEvents
from services.metrics.raw_events.store import RawEventStore
from services.metrics.read_models import consumer as read_models_queue
from services.metrics.read_models.consumer import ReadModels
from services.metrics.read_models.effects import Effects
from services.metrics.recording.directory import SeriesDirectory
from services.metrics.recording.jobs import SCHEDULES, jobs_of
from services.metrics.recording.queue import GroupCommit
from services.metrics.recording.recorder import Recorder
from services.metrics.recording.servicer import RecordingServicer
from services.metrics.recording.slots import WriterSlots
from services.metrics.recording.upkeep import Upkeep
from services.metrics.recording.writer import Written
from services.metrics.revenue.answers import RevenueAnswers
from services.metrics.revenue.servicer import RevenueServicer
from services.metrics.revenue.summary import Revenue
from services.metrics.series.namespaces import series_of
from services.metrics.series.reader import SeriesReader
from services.metrics.series.servicer import SeriesServicer
from services.metrics.settings import MetricsSettings

SERVICE: Final = "metrics"
_WORKER_CONNECTIONS: Final = 5


class Engines:
    """What serving and working share: stores, clients, and the state that must exist once in a process."""

    def __init__(self, settings: MetricsSettings) -> None:
        self.settings = settings
        self.database = Database.connect(
            settings.database_url.get_secret_value(),
            application_name=SERVICE,
            pool_size=settings.database_pool_size,
            statement_timeout_seconds=settings.statement_timeout_seconds,
        )
        self.worker_database = Database.connect(
            settings.worker_database_url.get_secret_value(),
            application_name=f"{SERVICE}-worker",
            pool_size=_WORKER_CONNECTIONS,
            statement_timeout_seconds=settings.statement_timeout_seconds,
        )
        self.redis: Redis = redis.connect(settings.redis_url.get_secret_value(), application_name=SERVICE)
        self.bus = open_bus(settings.bus_url.get_secret_value())
        self.cache = Cache(self.redis, service=SERVICE, key=self.key("cache"))
        self.venues = Venues(self.database)
        self.slots = WriterSlots(self.worker_database, count=settings.ingest_lanes + 1)
        self.feeds = Feeds(self.redis, length=settings.feed_length)
        self.live = LivePublisher(self.database, self.feeds, tick_seconds=settings.feed_tick_seconds)
        self.relay = OutboxRelay(self.worker_database, self.bus)
        if settings.mongo_url is None:
            raise ValueError("METRICS_MONGO_URL is not set: raw events are kept in MongoDB")
        self.raw_events = RawEventStore.connect(
            settings.mongo_url.get_secret_value(), kept=timedelta(days=settings.raw_event_retention_days)
        )

    def key(self, purpose: str) -> bytes:
        return derive_key(self.settings.identity_key_path, purpose)

    async def start(self) -> None:
        await self.slots.start()
        await self.cache.start()
        self.live.start()

    async def close(self) -> None:
        await self.live.stop()
        await self.cache.close()
        await self.slots.stop()
        await self.bus.close()
        await self.raw_events.close()
        await self.redis.aclose()
        await self.database.close()
        await self.worker_database.close()


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
            engines.venues,
            engines.cache,
            PageTokens(engines.key("page-tokens")),
            retention_days=settings.retention_days,
            percentile_row_limit=settings.percentile_row_limit,
        )
        live = LiveReader(engines.database, engines.venues)
        watch = VenueWatch(
            engines.venues, self.hub, engines.feeds, heartbeat_seconds=settings.feed_heartbeat_seconds
        )
        capacity = CapacityAnswers(Capacity(engines.database, engines.venues), engines.venues, engines.cache)
        revenue = RevenueAnswers(Revenue(engines.database, engines.venues), engines.venues, engines.cache)
        publisher = Publisher(engines.database, engines.venues, engines.relay)
        server.add(
            metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server,
            joined(
                metrics_service_pb2_grpc.MetricsServiceServicer,
                RecordingServicer(recorder),
                SeriesServicer(series),
                RealtimeMetricsServicer(live),
                CapacityServicer(capacity),
            ),
        )
        server.add(
            realtime_service_pb2_grpc.add_RealtimeServiceServicer_to_server,
            joined(realtime_service_pb2_grpc.RealtimeServiceServicer, RealtimeServicer(live, watch)),
        )
        server.add(
            analytics_service_pb2_grpc.add_AnalyticsServiceServicer_to_server,
            joined(analytics_service_pb2_grpc.AnalyticsServiceServicer, RevenueServicer(revenue)),
        )
        server.add(
            ingest_service_pb2_grpc.add_IngestServiceServicer_to_server,
            joined(ingest_service_pb2_grpc.IngestServiceServicer, IngestServicer(publisher)),
        )

    async def start(self) -> None:
        self.commits.start()
        self.hub.start()

    async def close(self) -> None:
        await self.hub.stop()
        await self.commits.stop()

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


class Working:
    """The half that consumes events, relays the outbox and keeps the tables in shape."""

    def __init__(self, engines: Engines) -> None:
        settings = engines.settings
        sales = LiveSales(engines.live, engines.slots, lane=settings.ingest_lanes)
        read_models = ReadModels(engines.database, engines.venues, Effects(sales, engines.cache))
        raw_events = RawEvents(engines.raw_events)
        self._consumers = (read_models.consumer(engines.bus), raw_events.consumer(engines.bus))
        queues = {
            read_models_queue.QUEUE: read_models_queue.TYPES,
            raw_events_queue.QUEUE: raw_events_queue.TYPES,
        }
        self._relay = SubscribedRelay(engines.bus, engines.relay, queues)
        self._repair = FeedRepair(
            engines.worker_database,
            engines.feeds,
            engines.live,
            every_seconds=settings.feed_repair_seconds,
        )
        self._upkeep = Upkeep(
            engines.worker_database,
            retention_days=settings.retention_days,
            rollup_retention_days=settings.rollup_retention_days,
        )
        self._jobs = JobRunner(
            engines.worker_database, service=SERVICE, jobs=jobs_of(self._upkeep), schedules=SCHEDULES
        )
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self._upkeep.keep_partitions()
        works = {
            **{f"consumer-{at}": consumer.run() for at, consumer in enumerate(self._consumers)},
            "outbox-relay": self._relay.run(),
            "jobs": self._jobs.run_until(self._stop),
            "feed-repair": self._repair.run(),
        }
        self._tasks = [essential(work, name=name) for name, work in works.items()]

    async def close(self) -> None:
        """Let what is in hand finish, then stop."""
        self._stop.set()
        self._relay.stop()
        for consumer in self._consumers:
            consumer.stop()
        *finishing, repair = self._tasks
        repair.cancel()
        await asyncio.gather(*finishing, repair, return_exceptions=True)


async def run(settings: MetricsSettings, *, serves: bool, works: bool) -> None:
    """Run a half, or both in one process, until SIGTERM or SIGINT."""
    configure_logging(SERVICE, level=settings.log_level, environment=settings.environment)
    stop_tracing = configure_tracing(
        SERVICE, environment=settings.environment, endpoint=settings.otlp_endpoint
    )
    async with AsyncExitStack() as stack:
        stack.callback(stop_tracing)
        engines = Engines(settings)
        stack.push_async_callback(engines.close)
        await engines.start()
        limiter = RateLimiter(
            settings.redis_url.get_secret_value(), DEFAULT_RATE_LIMITS | settings.rate_limits
        )
        stack.push_async_callback(limiter.close)
        server = RpcServer(
            settings=settings,
            service=SERVICE,
            verifier=TokenVerifier.from_settings(settings),
            rate_limiter=limiter,
            idempotency=IdempotencyStore(engines.database),
            dependencies={
                "postgres": engines.database.check,
                "redis": partial(redis.check, engines.redis),
                "bus": engines.bus.check,
                "mongo": engines.raw_events.check,
            },
        )
        if works:
            working = Working(engines)
            stack.push_async_callback(working.close)
            await working.start()
        if serves:
            serving = Serving(engines)
            stack.push_async_callback(serving.close)
            await serving.start()
            serving.add_to(server)
            goodbye = asyncio.create_task(serving.say_goodbye(server.draining))
            stack.callback(goodbye.cancel)
        stack.push_async_callback(server.close)
        await server.start()
        stop = asyncio.Event()
        with stopped_by_failures(stop):
            await server.serve_until(stop)
