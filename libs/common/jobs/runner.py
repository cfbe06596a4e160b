"""A worker's loop: plan schedules, claim runs, run them for their tenant, renew leases, retry by kind."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from libs.common.context import Caller, acting_as, deadline_at
from libs.common.errors import AnalyticsError
from libs.common.jobs.queue import JobQueue, Run, Schedule, save_schedule
from libs.common.postgres.database import Database

_log = structlog.get_logger(__name__)
_FORGET_EVERY_SECONDS = 600.0

Body = Callable[[Run], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    """Work a service knows how to do. A body may run again after a crash, so its effects are repeatable.

    Args:
        name: Stored in schedules and runs.
        body: Runs as the run's grant (`current_caller()`), under a deadline of `timeout`.
        timeout: Longest time of one attempt.
        max_attempts: Attempts before the run counts as failed.
        retry_after: First delay; doubles each time, up to 15 minutes.
    """

    name: str
    body: Body
    timeout: timedelta = timedelta(minutes=10)
    max_attempts: int = 6
    retry_after: timedelta = timedelta(seconds=2)


class JobRunner:
    """Runs jobs in this process until it is told to stop.

    Args:
        worker: Database of the worker role.
        service: Actor of the runs' callers.
        jobs: What this process can do; it leaves other jobs to others.
        schedules: The service's own schedules; saved at the start.
        concurrency: Most runs at once.
        lease: Time after which a run of a process that died is taken over.
        poll: Longest time between looking for due work.
        keep: How long finished runs are kept.
    """

    def __init__(
        self,
        worker: Database,
        *,
        service: str,
        jobs: Sequence[Job],
        schedules: Sequence[Schedule] = (),
        concurrency: int = 2,
        lease: timedelta = timedelta(seconds=30),
        poll: timedelta = timedelta(seconds=1),
        keep: timedelta = timedelta(days=14),
    ) -> None:
        self._worker = worker
        self._queue = JobQueue(worker)
        self._service = service
        self._jobs = {job.name: job for job in jobs}
        self._schedules = schedules
        self._concurrency = concurrency
        self._lease = lease
        self._poll = poll
        self._keep = keep
        self._running: set[asyncio.Task[None]] = set()
        self._forget_at = 0.0

    async def run_until(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then let the runs in progress end; outlives the database's failures."""
        saved = False
        while not stop.is_set():
            try:
                if not saved:
                    await self._save_schedules()
                    saved = True
                await self.step(now=datetime.now(UTC))
            except (AnalyticsError, OSError) as error:
                _log.warning("jobs wait for the database", cause=type(error).__name__)
            await self._pause(stop)
        await self.idle()

    async def step(self, *, now: datetime) -> int:
        """Plan, claim and start what is due; returns how many runs were started."""
        await self._queue.plan(now=now)
        free = self._concurrency - len(self._running)
        runs = []
        if free > 0:
            runs = await self._queue.claim(list(self._jobs), limit=free, lease=self._lease, now=now)
        for run in runs:
            task = asyncio.create_task(self._run(run))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        if time.monotonic() >= self._forget_at:
            await self._queue.forget(before=now - self._keep)
            self._forget_at = time.monotonic() + _FORGET_EVERY_SECONDS
        return len(runs)

    async def idle(self) -> None:
        """Return when no run is in progress here."""
        while self._running:
            await asyncio.wait(self._running)

    async def _save_schedules(self) -> None:
        async with self._worker.infrastructure() as connection:
            for schedule in self._schedules:
                await save_schedule(connection, schedule, now=datetime.now(UTC))

    async def _pause(self, stop: asyncio.Event) -> None:
        """Wait for the next look, or until a run ends and makes room, or until the stop."""
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait(
            {stopping, *self._running},
            timeout=self._poll.total_seconds(),
            return_when=asyncio.FIRST_COMPLETED,
        )
        stopping.cancel()

    async def _run(self, run: Run) -> None:
        job = self._jobs[run.job]
        try:
            await self._attempt(job, run)
        except (AnalyticsError, OSError) as error:
            _log.warning("a run is left to its lease", job=run.job, cause=type(error).__name__)

    async def _attempt(self, job: Job, run: Run) -> None:
        if run.attempt > job.max_attempts:
            await self._queue.failed(
                run, "LEASE_EXPIRED", "its workers died or lost their lease", now=datetime.now(UTC)
            )
            return
        renewing = asyncio.create_task(self._renew_for_ever(run, asyncio.current_task()))
        try:
            async with asyncio.timeout(job.timeout.total_seconds()):
                with (
                    acting_as(self._caller(job, run)),
                    deadline_at(time.monotonic() + job.timeout.total_seconds()),
                ):
                    await job.body(run)
        except Exception as error:  # noqa: BLE001  whatever a body raises is this run's outcome
            await self._not_done(job, run, error)
        else:
            await self._queue.succeeded(run, now=datetime.now(UTC))
        finally:
            renewing.cancel()

    async def _not_done(self, job: Job, run: Run, error: Exception) -> None:
        """Try again later what may pass later; close what will not."""
        now = datetime.now(UTC)
        unexpected: Exception | None = None
        wait = min(job.retry_after * 2 ** (run.attempt - 1), timedelta(minutes=15))
        if isinstance(error, AnalyticsError):
            reason, message, transient = error.reason, error.message, error.kind.is_transient
            wait = max(wait, error.retry_after or wait)
        else:
            reason, message, transient = "UNEXPECTED", type(error).__name__, isinstance(error, OSError)
            unexpected = error
        _log.warning(
            "a job's attempt failed", job=job.name, attempt=run.attempt, reason=reason, exc_info=unexpected
        )
        if transient and run.attempt < job.max_attempts:
            spread = random.uniform(1, 1.25)  # noqa: S311 - keeps retries apart, guards nothing
            await self._queue.retry(run, reason, message, at=now + wait * spread)
        else:
            await self._queue.failed(run, reason, message, now=now)

    async def _renew_for_ever(self, run: Run, attempt: "asyncio.Task[None] | None") -> None:
        """Renew at a third of the lease; when it is lost, stop the attempt: another worker has the run."""
        held_until = time.monotonic() + self._lease.total_seconds()
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            try:
                kept = await self._queue.renew(run, until=datetime.now(UTC) + self._lease)
            except (AnalyticsError, OSError):
                kept = time.monotonic() < held_until
            else:
                held_until = time.monotonic() + self._lease.total_seconds()
            if not kept:
                _log.warning("a run's lease was lost", job=run.job, attempt=run.attempt)
                if attempt is not None:
                    attempt.cancel()
                return

    def _caller(self, job: Job, run: Run) -> Caller:
        return Caller(
            subject=run.grant.subject,
            scope=run.grant.scope,
            permissions=run.grant.permissions,
            expires_at=datetime.now(UTC) + job.timeout,
            token_id=str(run.id),
            actor=self._service,
        )
