"""One table of each protected form."""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import (
    materialized_view,
    partitioned_table,
    refresh_policy,
    tenant_table,
    worker_policy,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    apply(
        """create table orders (
            tenant_id uuid not null,
            id uuid not null default uuidv7(),
            venue_id uuid,
            note jsonb not null default '{"a":1}'::jsonb,
            amount_minor bigint not null default 0,
            primary key (tenant_id, id)
        )""",
        tenant_table("orders", venue_column="venue_id"),
        refresh_policy("orders"),
        "create table labels (tenant_id uuid not null, name text not null, primary key (tenant_id, name))",
        tenant_table("labels"),
        """create table readings (
            tenant_id uuid not null,
            venue_id uuid not null,
            recorded_at timestamptz not null,
            id bigint generated always as identity,
            value double precision not null,
            primary key (tenant_id, recorded_at, id)
        ) partition by range (recorded_at)""",
        partitioned_table(
            "readings",
            grain="day",
            since="timestamptz '2026-03-28 23:30+00'",
            until="timestamptz '2026-04-01 00:00+00'",
            venue_column="venue_id",
        ),
        """create table ticks (
            tenant_id uuid not null,
            at timestamptz not null,
            primary key (tenant_id, at)
        ) partition by range (at)""",
        partitioned_table(
            "ticks",
            grain="month",
            since="timestamptz '2031-01-31 12:00+00'",
            until="timestamptz '2031-01-31 12:00+00'",
            worker=True,
        ),
        "create table outgoing (tenant_id uuid not null, id bigint not null, primary key (tenant_id, id))",
        tenant_table("outgoing", app="insert"),
        worker_policy("outgoing", privileges="select, delete"),
        materialized_view(
            "order_totals",
            """select tenant_id, venue_id, count(*)::integer as order_count
               from orders group by tenant_id, venue_id""",
            key=("tenant_id", "venue_id"),
            venue_column="venue_id",
        ),
    )
