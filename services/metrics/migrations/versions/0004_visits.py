"""Visits: sessions on the venues' pages and the steps they took.

session_activity  one fact of one session about one show: the truth behind the other two
session_days      what a session did in one day (UTC), all in all and by show
sessions          what a session did last, for the list of those active now

All three commute: rows are unique facts, sums of facts that are new, or the least and greatest of them. Rows
of months before the first partition go to a default partition, so that an import of old visits is kept like
any other until retention; rows of months to come never do, because visits of the future are refused.
"""

from libs.common.postgres import rls
from libs.common.postgres.migrate import apply

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Grain: one platform event and one show it is about (zero id: it names none). `step` is 1 page, 2 page of a
# show, 3 cart, 4 checkout. The key tells a fact from its repeat and finds a session's facts by time.
SESSION_ACTIVITY = """
create table session_activity (
    tenant_id uuid not null,
    venue_id uuid not null,
    session_id text not null,
    happened_at timestamptz not null,
    fact_id uuid not null,
    event_id uuid not null,
    step smallint not null check (step between 1 and 4),
    primary key (tenant_id, venue_id, session_id, happened_at, fact_id, event_id)
) partition by range (happened_at)
"""

# Grain: session, day (UTC, by its first instant) and show; the zero id stands for all facts of the session,
# with and without a show. The times of its first and last fact and of its first arrival at each step; null:
# not that day. The key reads the sessions of a venue's or a show's days side by side.
SESSION_DAYS = """
create table session_days (
    tenant_id uuid not null,
    venue_id uuid not null,
    event_id uuid not null,
    day timestamptz not null,
    session_id text not null,
    first_visit_at timestamptz not null,
    last_visit_at timestamptz not null,
    first_event_page_at timestamptz,
    first_cart_at timestamptz,
    first_checkout_at timestamptz,
    primary key (tenant_id, venue_id, event_id, day, session_id)
) partition by range (day)
"""

# Grain: one session at one venue. Page, show and device are those of its latest page view by (time, event
# id); empty, with '-infinity' and zero ids, without a view. `furthest_step` as in session_activity.
SESSIONS = """
create table sessions (
    tenant_id uuid not null,
    venue_id uuid not null,
    session_id text not null,
    started_at timestamptz not null,
    last_seen_at timestamptz not null,
    viewed_at timestamptz not null,
    view_id uuid not null,
    page text not null,
    event_id uuid not null,
    device_class text not null,
    page_view_count bigint not null,
    furthest_step smallint not null,
    primary key (tenant_id, venue_id, session_id)
) with (fillfactor = 80)
"""
SESSIONS_BY_ACTIVITY = """
create index sessions_by_activity on sessions (tenant_id, venue_id, last_seen_at, session_id)
"""
SESSIONS_BY_AGE = "create index sessions_by_age on sessions using brin (last_seen_at)"

# Partitions have no grant of their own; the worker deletes what is too old through the parents.
OLDER_ACTIVITY = "create table session_activity_older partition of session_activity default"
OLDER_DAYS = "create table session_days_older partition of session_days default"
OLDER_WITHOUT_GRANT = """
do $$
begin
    execute format('revoke all on table session_activity_older, session_days_older from %I',
        platform.role('app'));
end $$
"""

_KEPT = {"since": "now() - interval '400 days'", "until": "now() + interval '62 days'"}


def upgrade() -> None:
    apply(
        SESSION_ACTIVITY,
        rls.partitioned_table(
            "session_activity", grain="month", venue_column="venue_id", app="select, insert", **_KEPT
        ),
        rls.worker_policy("session_activity", privileges="select, delete"),
        SESSION_DAYS,
        rls.partitioned_table(
            "session_days", grain="month", venue_column="venue_id", app="select, insert, update", **_KEPT
        ),
        rls.worker_policy("session_days", privileges="select, delete"),
        OLDER_ACTIVITY,
        rls.tenant_table("session_activity_older", venue_column="venue_id", app="select"),
        OLDER_DAYS,
        rls.tenant_table("session_days_older", venue_column="venue_id", app="select"),
        OLDER_WITHOUT_GRANT,
    )
    apply(
        SESSIONS,
        SESSIONS_BY_ACTIVITY,
        SESSIONS_BY_AGE,
        rls.tenant_table("sessions", venue_column="venue_id", app="select, insert, update"),
        rls.worker_policy("sessions", privileges="select, delete"),
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
