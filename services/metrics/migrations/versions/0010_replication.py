"""Where the replication to InfluxDB stands, and the series of platform facts that only InfluxDB shows.

replication_streams  one stream of rows to InfluxDB; no tenant's data
platform_series      one figure of a venue and show, 15 minutes, currency; absolute, so copying it repeats
"""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table, worker_policy

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# The tail of the replicator and of readers. Keys only grow and one transaction's are equal, so inserting goes
# to the last page and a few bytes a row are stored.
_METRICS_BY_TRANSACTION = "create index analytics_metrics_tail_idx on analytics_metrics (committed_in)"

# Grain: one stream. Every row of a transaction below `replicated_before` and not older than `covers_since`
# is in InfluxDB, under `epoch`. A batch ends at `planned_before`, which is stored before the first point is
# written: whoever repeats the batch writes the same points. `revision` moves when copied points are
# replaced. `level_at` is the last moment at which nothing was left to copy but `waiting_rows`, which stay
# below an open transaction.
_STREAMS = """
create table replication_streams (
    stream text primary key,
    epoch text not null default '',
    covers_since timestamptz not null default 'epoch',
    replicated_before xid8 not null default '0',
    planned_before xid8,
    batch_number bigint not null default 0,
    revision bigint not null default 0,
    waiting_rows integer not null default 0,
    level_at timestamptz not null default 'epoch',
    holder uuid,
    leased_until timestamptz not null default 'epoch'
) with (fillfactor = 50)
"""
_STREAM_ROWS = "insert into replication_streams (stream) values ('recorded'), ('platform')"
_STREAM_GRANTS = """
do $$
begin
    execute format('grant select, update on table replication_streams to %I', platform.role('worker'));
    execute format('grant select on table replication_streams to %I', platform.role('app'));
end $$;
"""

# Grain: venue, 15 minutes (UTC), show (zero id: none), figure, currency (empty: no money).
_PLATFORM_SERIES = """
create table platform_series (
    tenant_id uuid not null,
    venue_id uuid not null,
    bucket_start timestamptz not null,
    event_id uuid not null,
    figure text not null,
    currency text not null,
    value bigint not null,
    committed_in xid8 not null default pg_current_xact_id(),
    primary key (tenant_id, venue_id, bucket_start, event_id, figure, currency)
) with (fillfactor = 80)
"""
_PLATFORM_BY_TRANSACTION = "create index platform_series_tail_idx on platform_series (committed_in)"
_PLATFORM_BY_TIME = "create index platform_series_time_idx on platform_series using brin (bucket_start)"


def upgrade() -> None:
    apply(_METRICS_BY_TRANSACTION)
    apply(worker_policy("analytics_metrics", privileges="select"))
    apply(worker_policy("metric_series", privileges="select"))
    apply(_STREAMS, _STREAM_ROWS, _STREAM_GRANTS)
    apply(
        _PLATFORM_SERIES,
        _PLATFORM_BY_TRANSACTION,
        _PLATFORM_BY_TIME,
        tenant_table("platform_series", venue_column="venue_id", app="select, insert, update"),
        worker_policy("platform_series", privileges="select"),
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
