"""Days on which sessions came back: unique sessions of long windows without reading every session.

session_histories  the days of one session at one venue, and at all venues of its tenant
session_gaps       how many sessions came on a day, by the day on which each had come last before

Each session counts in a window exactly once on its first day there, which is the day whose predecessor lies
before the window. So the unique sessions of whole days are a sum over rows of session_gaps.
"""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table, worker_policy

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Grain: session and venue (zero id: all venues of the tenant, which a venue grant hides). `days`: UTC,
# ascending, each once, those of session_days. A batch locks the row before it adds a day.
_HISTORIES = """
create table session_histories (
    tenant_id uuid not null,
    venue_id uuid not null,
    session_id text not null,
    days date[] not null,
    last_day date not null,
    primary key (tenant_id, venue_id, session_id)
)
"""
_HISTORIES_BY_AGE = "create index session_histories_by_age on session_histories using brin (last_day)"

# Grain: venue (zero id: all venues), day and the session's day before it; '-infinity': there was none. Most
# sessions come on one day, some over midnight, so a day has few rows.
_GAPS = """
create table session_gaps (
    tenant_id uuid not null,
    venue_id uuid not null,
    day date not null,
    previous_day date not null,
    session_count bigint not null,
    primary key (tenant_id, venue_id, day, previous_day)
) with (fillfactor = 70)
"""

# Visits that were recorded before these tables.
_BACKFILL_VENUES = """
insert into session_histories (tenant_id, venue_id, session_id, days, last_day)
select tenant_id, venue_id, session_id, array_agg((day at time zone 'UTC')::date order by day),
       max((day at time zone 'UTC')::date)
  from session_days
 where event_id = '00000000-0000-0000-0000-000000000000'
 group by tenant_id, venue_id, session_id
"""
_BACKFILL_TENANTS = """
insert into session_histories (tenant_id, venue_id, session_id, days, last_day)
select tenant_id, '00000000-0000-0000-0000-000000000000', session_id, array_agg(distinct came.day),
       max(came.day)
  from session_histories
  cross join lateral unnest(days) as came (day)
 group by tenant_id, session_id
"""
_BACKFILL_GAPS = """
insert into session_gaps (tenant_id, venue_id, day, previous_day, session_count)
select tenant_id, venue_id, day, previous_day, count(*)
  from (select tenant_id, venue_id, came.day,
               coalesce(lag(came.day) over (partition by tenant_id, venue_id, session_id order by came.day),
                        '-infinity') as previous_day
          from session_histories
          cross join lateral unnest(days) as came (day)) as visit
 group by 1, 2, 3, 4
"""


def upgrade() -> None:
    apply(_HISTORIES, _GAPS, "alter table session_days no force row level security")
    apply(_BACKFILL_VENUES, _BACKFILL_TENANTS, _BACKFILL_GAPS)
    apply("alter table session_days force row level security", _HISTORIES_BY_AGE)
    for table in ("session_histories", "session_gaps"):
        apply(tenant_table(table, venue_column="venue_id"), worker_policy(table, privileges="select, delete"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
