"""Joins consumers, relays and jobs to stores: the half of a process that works by itself."""

import asyncio
from functools import partial

from libs.common.bus.relaying import SubscribedRelay
from libs.common.erasure.tombstones import KEY_PURPOSE, Hiding, Tombstones
from libs.common.jobs.runner import JobRunner
from libs.common.tasks import ended, essential
from services.metrics.daily import jobs as daily_jobs
from services.metrics.daily.check import DailyCheck
from services.metrics.engines import SERVICE, Engines
from services.metrics.event_documents import consumer as event_documents_queue
from services.metrics.event_documents.consumer import EventDocuments
from services.metrics.live.repair import FeedRepair
from services.metrics.live.values import LiveValues
from services.metrics.privacy import consumer as erasures_queue
from services.metrics.privacy.consumer import Erasures
from services.metrics.raw_events import consumer as raw_events_queue
from services.metrics.raw_events.consumer import RawEvents
from services.metrics.raw_events.people import rename_person
from services.metrics.read_models import consumer as read_models_queue
from services.metrics.read_models.consumer import ReadModels
from services.metrics.read_models.effects import Effects
from services.metrics.recording.jobs import SCHEDULES, jobs_of
from services.metrics.recording.upkeep import Upkeep
from services.metrics.replication.work import ReplicationWork
from services.metrics.views import jobs as view_jobs
from services.metrics.views.refreshes import Refreshes
from services.metrics.visits import jobs as visit_jobs
from services.metrics.visits.retention import VisitRetention


class Working:
    """The half that consumes events, relays the outbox and keeps the tables in shape."""

    def __init__(self, engines: Engines) -> None:
        settings = engines.settings
        sales = LiveValues(engines.live, engines.slots, lane=settings.ingest_lanes)
        tombstones = Tombstones(engines.key(KEY_PURPOSE))
        read_models = ReadModels(engines.database, engines.venues, Effects(sales, engines.cache), tombstones)
        raw_events = RawEvents(engines.raw_events, Hiding(engines.database, tombstones))
        erasures = Erasures(engines.database, tombstones, partial(rename_person, engines.raw_events))
        documents = EventDocuments(engines.event_documents)
        self._consumers = (
            read_models.consumer(engines.bus),
            raw_events.consumer(engines.bus),
            documents.consumer(engines.bus),
            erasures.consumer(engines.bus),
        )
        queues = {
            read_models_queue.QUEUE: read_models_queue.TYPES,
            raw_events_queue.QUEUE: raw_events_queue.TYPES,
            event_documents_queue.QUEUE: event_documents_queue.TYPES,
            erasures_queue.QUEUE: erasures_queue.TYPES,
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
            visit_retention_days=settings.visit_retention_days,
        )
        self._replication = ReplicationWork(engines.worker_database, engines.influx, settings)
        self._jobs = JobRunner(
            engines.worker_database,
            service=SERVICE,
            jobs=(
                *jobs_of(self._upkeep),
                *visit_jobs.jobs_of(
                    VisitRetention(engines.worker_database, retention_days=settings.visit_retention_days)
                ),
                *daily_jobs.jobs_of(DailyCheck(engines.database)),
                *view_jobs.jobs_of(Refreshes(engines.worker_database)),
                *self._replication.jobs,
            ),
            schedules=(*SCHEDULES, *visit_jobs.SCHEDULES, *view_jobs.SCHEDULES, *self._replication.schedules),
        )
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self._upkeep.keep_partitions()
        works = {
            **{f"consumer-{at}": consumer.run() for at, consumer in enumerate(self._consumers)},
            "outbox-relay": self._relay.run(),
            "jobs": self._jobs.run_until(self._stop),
            **self._replication.works(),
            "feed-repair": self._repair.run(),
        }
        self._tasks = [essential(work, name=name) for name, work in works.items()]

    async def close(self) -> None:
        """Let what is in hand finish, then stop."""
        self._stop.set()
        self._relay.stop()
        self._replication.stop()
        for consumer in self._consumers:
            consumer.stop()
        *finishing, repair = self._tasks
        await ended(repair)
        await asyncio.gather(*finishing, return_exceptions=True)
