"""Series, raw rows, rollups, live windows, and the tables every service has.

analytics_metrics     one recorded row; narrow: names live in metric_series
analytics_aggregations  one series, 15 minutes, writer slot; the sum over slots equals the raw rows
realtime_metrics      one live metric, minute, writer slot; a live metric is venue + metric type + currency
realtime_versions     one live metric, writer slot; their sum is the metric's version, which never decreases
"""

from libs.common.bus.inbox import INBOX_DDL
from libs.common.bus.outbox import OUTBOX_DDL
from libs.common.jobs.schema import JOBS_DDL
from libs.common.postgres import rls
from libs.common.postgres.migrate import apply
from libs.common.rpc.idempotency import IDEMPOTENCY_DDL

revision = "0001"
down_revision = None

_SERIES = """
create table metric_series (
    series_id bigint generated always as identity primary key,
    tenant_id uuid not null,
    venue_id uuid not null,
    metric_type text not null,
    dimensions jsonb not null,
    fingerprint bytea not null,
    created_at timestamptz not null default now(),
    constraint metric_series_fingerprint_key unique (tenant_id, fingerprint)
)
"""
_SERIES_BY_VENUE = "create index metric_series_venue_idx on metric_series (tenant_id, venue_id, metric_type)"

_BUDGETS = """
create table metric_budgets (
    tenant_id uuid primary key,
    shape_count integer not null default 0
)
"""
_SHAPES = """
create table metric_shapes (
    tenant_id uuid not null,
    shape bytea not null,
    dimensions jsonb not null,
    primary key (tenant_id, shape)
)
"""

_METRICS = """
create table analytics_metrics (
    point_id bigint generated always as identity (cache 1000),
    tenant_id uuid not null,
    series_id bigint not null,
    metric_time timestamptz not null,
    value double precision not null,
    committed_in xid8 not null default pg_current_xact_id(),
    metric_id uuid,
    metadata jsonb
) partition by range (metric_time)
"""
_METRICS_BY_SERIES = """
create index analytics_metrics_series_idx on analytics_metrics (tenant_id, series_id, metric_time, point_id)
"""

_ROLLUPS = """
create table analytics_aggregations (
    tenant_id uuid not null,
    series_id bigint not null,
    bucket_start timestamptz not null,
    writer_slot smallint not null,
    value_count bigint not null,
    value_sum double precision not null,
    value_min double precision not null,
    value_max double precision not null,
    newest_time timestamptz not null,
    primary key (tenant_id, series_id, bucket_start, writer_slot)
) partition by range (bucket_start)
"""

_METRIC_IDS = """
create table metric_ids (
    tenant_id uuid not null,
    metric_id uuid not null,
    seen_at timestamptz not null,
    primary key (tenant_id, metric_id)
)
"""
_METRIC_IDS_BY_AGE = "create index metric_ids_seen_at_idx on metric_ids using brin (seen_at)"

_LIVE = """
create table realtime_metrics (
    tenant_id uuid not null,
    venue_id uuid not null,
    metric_type text not null,
    currency text not null default '',
    minute_start timestamptz not null,
    writer_slot smallint not null,
    value_count bigint not null,
    value_sum double precision not null,
    value_min double precision not null,
    value_max double precision not null,
    last_value double precision not null,
    last_time timestamptz not null,
    primary key (tenant_id, venue_id, metric_type, currency, minute_start, writer_slot)
) partition by range (minute_start)
"""
_VERSIONS = """
create table realtime_versions (
    tenant_id uuid not null,
    venue_id uuid not null,
    metric_type text not null,
    currency text not null default '',
    writer_slot smallint not null,
    version bigint not null,
    updated_at timestamptz not null,
    primary key (tenant_id, venue_id, metric_type, currency, writer_slot)
) with (fillfactor = 60)
"""

_SLOTS = """
create table writer_slots (
    writer_slot smallint primary key,
    holder uuid,
    leased_until timestamptz not null default '-infinity'
)
"""
_SLOT_ROWS = "insert into writer_slots (writer_slot) select generate_series(0, 255)"
_SLOTS_FOR_WORKER = """
do $$
begin
    execute format('grant select, update on table writer_slots to %I', platform.role('worker'));
end $$
"""


def upgrade() -> None:
    apply(IDEMPOTENCY_DDL, INBOX_DDL, OUTBOX_DDL, JOBS_DDL)
    apply(_SERIES, _SERIES_BY_VENUE)
    apply(rls.tenant_table("metric_series", venue_column="venue_id", app="select, insert"))
    apply(_BUDGETS, rls.tenant_table("metric_budgets", app="select, insert, update"))
    apply(_SHAPES, rls.tenant_table("metric_shapes", app="select, insert"))
    apply(
        _METRICS,
        _METRICS_BY_SERIES,
        rls.partitioned_table(
            "analytics_metrics",
            grain="month",
            since="now() - interval '400 days'",
            until="now() + interval '62 days'",
            app="select, insert",
        ),
    )
    apply(
        _ROLLUPS,
        rls.partitioned_table(
            "analytics_aggregations",
            grain="month",
            since="now() - interval '400 days'",
            until="now() + interval '62 days'",
            app="select, insert, update",
        ),
    )
    apply(
        _LIVE,
        rls.partitioned_table(
            "realtime_metrics",
            grain="day",
            since="now() - interval '1 day'",
            until="now() + interval '3 days'",
            venue_column="venue_id",
            app="select, insert, update",
        ),
    )
    apply(_METRIC_IDS, _METRIC_IDS_BY_AGE, rls.tenant_table("metric_ids", app="select, insert, update"))
    apply(rls.worker_policy("metric_ids", privileges="select, delete"))
    apply(_VERSIONS)
    apply(rls.tenant_table("realtime_versions", venue_column="venue_id", app="select, insert, update"))
    apply(rls.worker_policy("realtime_versions", privileges="select"))
    apply(_SLOTS, _SLOT_ROWS, _SLOTS_FOR_WORKER)
