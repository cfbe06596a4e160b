"""Schedules and runs in PostgreSQL: planning, claiming under a lease, finishing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID, uuid4, uuid5
from zoneinfo import ZoneInfo

import asyncpg

from libs.common.context import TenantScope
from libs.common.jobs.cron import Cron
from libs.common.jobs.schema import PLATFORM
from libs.common.postgres.database import Connection, Database

_NAMES = UUID("5f2b9a52-6a5c-4c1e-9a57-3d1a1c6f0b11")

# One schedule a row; skips those another worker plans right now. Index job_schedules_due.
_TAKE_DUE_SCHEDULES = """
select tenant_id, id, job, cron, zone, jitter_seconds, arguments, subject, permissions,
       venue_ids, next_due_at
from job_schedules where enabled and next_due_at <= $1
order by next_due_at limit 100 for update skip locked
"""
_ADD_RUN = """
insert into job_runs
    (tenant_id, job, run_key, scheduled_at, claimable_at, arguments, subject, permissions, venue_ids)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (tenant_id, job, run_key) do nothing
"""
_MOVE_ON = "update job_schedules set next_due_at = $3 where tenant_id = $1 and id = $2"

# Runs that are due, and runs whose lease ended because their worker died: both are claimable. Index
# job_runs_claimable; those that another worker claims right now are skipped.
_CLAIM = """
with claimable as (
    select tenant_id, id from job_runs
    where state in ('waiting', 'running') and claimable_at <= $1 and job = any ($2)
    order by claimable_at limit $3 for update skip locked
)
update job_runs r
set state = 'running', attempt_count = attempt_count + 1, lease_token = $4, claimable_at = $5, started_at = $1
from claimable c where r.tenant_id = c.tenant_id and r.id = c.id
returning r.tenant_id, r.id, r.job, r.run_key, r.scheduled_at, r.attempt_count, r.lease_token, r.arguments,
          r.subject, r.permissions, r.venue_ids
"""
_RENEW = """
update job_runs set claimable_at = $4
where tenant_id = $1 and id = $2 and lease_token = $3 and state = 'running'
"""
_FINISH = """
update job_runs
set state = $4, claimable_at = coalesce($5, claimable_at), finished_at = $6, error_reason = $7,
    error_message = $8, lease_token = null
where tenant_id = $1 and id = $2 and lease_token = $3 and state = 'running'
"""
_FORGET = """
delete from job_runs where (tenant_id, id) in (
    select tenant_id, id from job_runs where finished_at < $1 order by finished_at limit $2
    for update skip locked
)
"""
# Grain: one schedule. Index: job_schedules_pkey.
_IS_SCHEDULED = "select exists (select from job_schedules where tenant_id = $1 and id = $2)"
_SAVE_SCHEDULE = """
insert into job_schedules (tenant_id, id, job, cron, zone, jitter_seconds, arguments, subject, permissions,
                           venue_ids, enabled, next_due_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (tenant_id, id) do update
set job = excluded.job, cron = excluded.cron, zone = excluded.zone, jitter_seconds = excluded.jitter_seconds,
    arguments = excluded.arguments, subject = excluded.subject, permissions = excluded.permissions,
    venue_ids = excluded.venue_ids, enabled = excluded.enabled,
    next_due_at = case when (job_schedules.cron, job_schedules.zone, job_schedules.enabled)
        is distinct from (excluded.cron, excluded.zone, excluded.enabled)
        then excluded.next_due_at else job_schedules.next_due_at end
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """For whom a job runs: the subject, what it may do, and which rows it sees."""

    subject: str
    scope: TenantScope
    permissions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Schedule:
    """Work that comes back: which job, when, for whom, and with which arguments."""

    id: UUID
    job: str
    cron: str
    zone: str
    grant: Grant
    jitter: timedelta = timedelta()
    arguments: Mapping[str, Any] | None = None
    enabled: bool = True

    @classmethod
    def of_platform(
        cls, job: str, cron: str, *, zone: str = "UTC", jitter: timedelta = timedelta()
    ) -> "Schedule":
        """A schedule of the service itself, for no tenant; one a job."""
        return cls(uuid5(_NAMES, job), job, cron, zone, Grant("platform", TenantScope(PLATFORM)), jitter)


@dataclass(frozen=True, slots=True)
class Run:
    """One claimed run; `scheduled_at` is when it was meant to be, `attempt` counts from 1."""

    id: UUID
    job: str
    run_key: str
    scheduled_at: datetime
    attempt: int
    arguments: Mapping[str, Any]
    grant: Grant
    lease_token: UUID

    @property
    def tenant_id(self) -> UUID:
        return self.grant.scope.tenant_id


async def save_schedule(connection: Connection, schedule: Schedule, *, now: datetime) -> None:
    """Make or replace a schedule; one whose time did not change keeps its next run.

    Raises:
        InvalidField: The cron expression is none.
    """
    grant = schedule.grant
    await connection.execute(
        _SAVE_SCHEDULE,
        grant.scope.tenant_id,
        schedule.id,
        schedule.job,
        schedule.cron,
        schedule.zone,
        int(schedule.jitter.total_seconds()),
        json.dumps(dict(schedule.arguments or {})),
        grant.subject,
        sorted(grant.permissions),
        _venues(grant.scope),
        schedule.enabled,
        Cron(schedule.cron, ZoneInfo(schedule.zone)).next_after(now),
    )


async def ensure_schedule(connection: Connection, schedule: Schedule, *, now: datetime) -> None:
    """Make a schedule where there is none; one that is there is only looked at.

    Raises:
        InvalidField: The cron expression is none.
    """
    if not await connection.fetchval(_IS_SCHEDULED, schedule.grant.scope.tenant_id, schedule.id):
        await save_schedule(connection, schedule, now=now)


async def enqueue(
    connection: Connection,
    job: str,
    *,
    run_key: str,
    grant: Grant,
    due_at: datetime,
    arguments: Mapping[str, Any] | None = None,
) -> bool:
    """Queue one run in the caller's transaction; False when this run key is already known.

    Args:
        connection: Of a transaction of the grant's tenant.
        job: Name of a job that a worker of this service knows.
        run_key: Makes the run unique for the tenant and job.
        grant: For whom it runs.
        due_at: Not before this.
        arguments: JSON values.
    """
    payload = json.dumps(dict(arguments or {}))
    return await _add(connection, grant, (job, run_key, due_at, due_at, payload))


class JobQueue:
    """What workers do to the tables, with the worker role."""

    def __init__(self, worker: Database) -> None:
        self._worker = worker

    async def plan(self, *, now: datetime) -> int:
        """Turn due schedules into runs; returns how many schedules were due.

        A schedule that was missed several times, because no worker ran, is made up for once.
        """
        async with self._worker.infrastructure() as connection:
            due = await connection.fetch(_TAKE_DUE_SCHEDULES, now)
            for row in due:
                following = Cron(row["cron"], ZoneInfo(row["zone"])).next_after(now)
                scheduled_at = row["next_due_at"]
                run_key = f"{row['id']}@{scheduled_at.isoformat()}"
                starts_at = scheduled_at + _jitter(run_key, row["jitter_seconds"])
                await _add(
                    connection,
                    _grant(row),
                    (row["job"], run_key, scheduled_at, starts_at, row["arguments"]),
                )
                await connection.execute(_MOVE_ON, row["tenant_id"], row["id"], following)
        return len(due)

    async def claim(self, jobs: Sequence[str], *, limit: int, lease: timedelta, now: datetime) -> list[Run]:
        """Up to `limit` runs of these jobs that nobody else has, each under a lease."""
        async with self._worker.infrastructure() as connection:
            rows = await connection.fetch(_CLAIM, now, list(jobs), limit, uuid4(), now + lease)
        return [
            Run(
                id=row["id"],
                job=row["job"],
                run_key=row["run_key"],
                scheduled_at=row["scheduled_at"],
                attempt=row["attempt_count"],
                arguments=json.loads(row["arguments"]),
                grant=_grant(row),
                lease_token=row["lease_token"],
            )
            for row in rows
        ]

    async def renew(self, run: Run, *, until: datetime) -> bool:
        """Keep the lease; False when another worker has taken over."""
        async with self._worker.infrastructure() as connection:
            outcome = await connection.execute(_RENEW, run.tenant_id, run.id, run.lease_token, until)
        return bool(outcome == "UPDATE 1")

    async def succeeded(self, run: Run, *, now: datetime) -> bool:
        """Close the run; False when the lease was lost meanwhile."""
        return await self._finish(run, "succeeded", None, now, None, None)

    async def failed(self, run: Run, reason: str, message: str, *, now: datetime) -> bool:
        """Close the run for good."""
        return await self._finish(run, "failed", None, now, reason, message)

    async def retry(self, run: Run, reason: str, message: str, *, at: datetime) -> bool:
        """Let the run be claimed again at a later time."""
        return await self._finish(run, "waiting", at, None, reason, message)

    async def forget(self, *, before: datetime, limit: int = 1000) -> int:
        """Delete finished runs from before; returns how many."""
        async with self._worker.infrastructure() as connection:
            outcome = await connection.execute(_FORGET, before, limit)
        return int(outcome.rpartition(" ")[2])

    async def _finish(self, run: Run, state: str, *values: object) -> bool:
        async with self._worker.infrastructure() as connection:
            outcome = await connection.execute(
                _FINISH, run.tenant_id, run.id, run.lease_token, state, *values
            )
        return bool(outcome == "UPDATE 1")


async def _add(connection: Connection, grant: Grant, run: tuple[str, str, datetime, datetime, str]) -> bool:
    venues = _venues(grant.scope)
    outcome = await connection.execute(
        _ADD_RUN, grant.scope.tenant_id, *run, grant.subject, sorted(grant.permissions), venues
    )
    return bool(outcome == "INSERT 0 1")


def _grant(row: "asyncpg.Record") -> Grant:
    venues = row["venue_ids"]
    scope = TenantScope(row["tenant_id"], None if venues is None else frozenset(venues))
    return Grant(row["subject"], scope, frozenset(row["permissions"]))


def _venues(scope: TenantScope) -> list[UUID] | None:
    return None if scope.venue_ids is None else sorted(scope.venue_ids)


def _jitter(run_key: str, most_seconds: int) -> timedelta:
    """The same delay for the same run, spread evenly over runs."""
    share = int.from_bytes(blake2b(run_key.encode(), digest_size=8).digest()) / 2**64
    return timedelta(seconds=share * most_seconds)
