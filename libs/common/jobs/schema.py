"""Tables of schedules and runs; a service's first migration makes them."""

from uuid import UUID

from libs.common.postgres.rls import tenant_table, worker_policy

# Work that belongs to no tenant (partitions, refreshes) is kept under this one; no token carries it.
PLATFORM = UUID(int=0)

JOBS_DDL: tuple[str, ...] = (
    """
    create table job_schedules (
        tenant_id uuid not null,
        id uuid not null,
        job text not null,
        cron text not null,
        zone text not null,
        jitter_seconds integer not null default 0 check (jitter_seconds >= 0),
        arguments jsonb not null default '{}',
        subject text not null,
        permissions text[] not null default '{}',
        venue_ids uuid[],
        enabled boolean not null default true,
        next_due_at timestamptz not null,
        primary key (tenant_id, id)
    )
    """,
    "create index job_schedules_due on job_schedules (next_due_at) where enabled",
    *tenant_table("job_schedules"),
    *worker_policy("job_schedules"),
    """
    create table job_runs (
        tenant_id uuid not null,
        id uuid not null default uuidv7(),
        job text not null,
        run_key text not null,
        scheduled_at timestamptz not null,
        claimable_at timestamptz not null,
        state text not null default 'waiting' check (state in ('waiting', 'running', 'succeeded', 'failed')),
        attempt_count integer not null default 0,
        lease_token uuid,
        arguments jsonb not null default '{}',
        subject text not null,
        permissions text[] not null default '{}',
        venue_ids uuid[],
        started_at timestamptz,
        finished_at timestamptz,
        error_reason text,
        error_message text,
        primary key (tenant_id, id),
        unique (tenant_id, job, run_key)
    )
    """,
    "create index job_runs_claimable on job_runs (claimable_at) where state in ('waiting', 'running')",
    "create index job_runs_finished on job_runs (finished_at) where finished_at is not null",
    *tenant_table("job_runs", app="select, insert"),
    *worker_policy("job_runs"),
)
