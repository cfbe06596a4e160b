"""Joins consumers, relays and jobs to stores: the half of a process that works by itself."""

import asyncio

from libs.common.bus.relaying import SubscribedRelay
from libs.common.jobs.runner import JobRunner
from libs.common.tasks import essential
from services.customers import upkeep
from services.customers.behavior import consumer as behavior_queue
from services.customers.campaigns.documents import CampaignDocuments
from services.customers.campaigns.following import Following
from services.customers.churn import jobs as churn_jobs
from services.customers.churn.working import runs_of as churn_runs_of
from services.customers.document_queues import behavior_of, touchpoints_of
from services.customers.engines import SERVICE, Engines
from services.customers.insights import jobs as insight_jobs
from services.customers.insights.refreshing import Refreshing
from services.customers.lifetime import jobs as lifetime_jobs
from services.customers.lifetime.runs import LifetimeRuns, RunOptions
from services.customers.privacy import confirmations as confirmations_queue
from services.customers.privacy import jobs as privacy_jobs
from services.customers.privacy.confirmations import Confirmations
from services.customers.privacy.working import cleaning_of
from services.customers.read_models import consumer as read_models_queue
from services.customers.read_models.consumer import ReadModels
from services.customers.rfm import jobs as rfm_jobs
from services.customers.segments.working import rescoring_of, runs_of
from services.customers.touchpoints import consumer as touchpoints_queue
from services.customers.views import jobs as view_jobs
from services.customers.views.refreshes import Refreshes


class Working:
    """The half that consumes events, relays the outbox and does jobs."""

    def __init__(self, engines: Engines) -> None:
        self._worker_database = engines.worker_database
        read_models = ReadModels(
            engines.database,
            engines.venues,
            engines.cache,
            engines.tombstones,
            rescoring=rescoring_of(engines),
        )
        confirmations = Confirmations(engines.database)
        following = Following(engines.database, CampaignDocuments(engines.mongo))
        self._consumers = (
            read_models.consumer(engines.bus),
            behavior_of(engines).consumer(engines.bus),
            confirmations.consumer(engines.bus),
            touchpoints_of(engines).consumer(engines.bus),
        )
        queues = {
            read_models_queue.QUEUE: read_models_queue.TYPES,
            behavior_queue.QUEUE: behavior_queue.TYPES,
            confirmations_queue.QUEUE: confirmations_queue.TYPES,
            touchpoints_queue.QUEUE: touchpoints_queue.TYPES,
        }
        self._relay = SubscribedRelay(engines.bus, engines.relay, queues)
        self._jobs = JobRunner(
            engines.worker_database,
            service=SERVICE,
            jobs=(
                *upkeep.jobs_of(engines.worker_database),
                *privacy_jobs.jobs_of(cleaning_of(engines)),
                *following.jobs(),
                *view_jobs.jobs_of(Refreshes(engines.worker_database)),
                *lifetime_jobs.jobs_of(
                    LifetimeRuns(engines.database, engines.cache, RunOptions.of(engines.settings))
                ),
                *churn_jobs.jobs_of(churn_runs_of(engines)),
                *rfm_jobs.jobs_of(runs_of(engines), rescoring_of(engines)),
                *insight_jobs.jobs_of(Refreshing.of(engines.database, engines.venues, engines.cache)),
            ),
            schedules=(*upkeep.SCHEDULES, *view_jobs.SCHEDULES),
        )
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await upkeep.keep_partitions(self._worker_database)
        works = {
            **{f"consumer-{at}": consumer.run() for at, consumer in enumerate(self._consumers)},
            "outbox-relay": self._relay.run(),
            "jobs": self._jobs.run_until(self._stop),
        }
        self._tasks = [essential(work, name=name) for name, work in works.items()]

    async def close(self) -> None:
        """Let what is in hand finish, then stop."""
        self._stop.set()
        self._relay.stop()
        for consumer in self._consumers:
            consumer.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
