"""Scoring a million customers with five million orders against PostgreSQL's three window functions alone."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from benchmarks.mesh import Mesh
from benchmarks.report import Result
from libs.common.bus.consumer import service_caller
from libs.common.cache.cache import Cache
from libs.common.context import TenantScope, acting_as
from libs.common.postgres.database import Database
from libs.common.redis import connect
from services.customers.rfm.runs import ScoringRuns
from services.customers.segments.members import Members

NAME = "rfm"
_CUSTOMERS: Final = 1_000_000
_ORDERS: Final = 5_000_000
_MINUTES: Final = 500 * 24 * 60

# Purchases as the read model has them, made by the server itself: everybody buys, and some buy often.
_FILL = """
insert into purchases (tenant_id, order_id, currency, venue_id, customer_id, sold_at, channel, order_count,
                       ticket_count, refunded_ticket_count, gross_minor, refund_minor, fee_minor,
                       newest_fact_at)
select $1, gen_random_uuid(), 'EUR', $2, md5(buyer::text)::uuid, sold_at, 'web', 1, 2, 0,
       1000 + (random() * 20000)::integer, 0, 0, sold_at
  from (select case when n <= $5::integer then n
                    else ceil(power(random(), 1.5) * $5::integer)::integer end as buyer,
               $3::timestamptz - (random() * $6::integer) * interval '1 minute' as sold_at
          from generate_series(1, $4::integer) as n) as sale
"""
_VENUE = "insert into venues (venue_id, tenant_id, name, time_zone) values ($1, $2, 'Hall', 'Europe/Berlin')"

# The yardstick: figures of every customer lie ready in a table, and nothing is read from sales or written.
_MEASURE = """
create temporary table measures as
select customer_id, max(sold_at) as last_at, count(*) as order_count, sum(spend_minor) as spend_minor
  from purchases where tenant_id = $1 group by customer_id
"""
_WINDOWS = """
select sum(r + f + m)
  from (select ntile(5) over (order by last_at, customer_id) as r,
               ntile(5) over (order by order_count, customer_id) as f,
               ntile(5) over (order by spend_minor, customer_id) as m
          from measures) as scored
"""


async def run(mesh: Mesh) -> Sequence[Result]:
    mesh.stack.prepare_database("customers")
    environment = mesh.stack.service_environment("customers")
    tenant, now = uuid4(), datetime.now(UTC)
    admin = await asyncpg.connect(
        mesh.stack.stores.postgres_admin_url.rpartition("/")[0] + "/customers", command_timeout=1800
    )
    try:
        await _fill(admin, tenant, now)
        yardstick = await _windows(admin, tenant)
        whole, again = await _runs(environment, tenant, now)
        known = await admin.fetchval("select max(customer_count) from rfm_runs where tenant_id = $1", tenant)
    finally:
        await admin.close()
    name = f"RFM of {known:,} customers with {_ORDERS:,} orders"
    window = f"{yardstick:.1f} s for three window functions over their figures"
    return [
        Result(f"{name}, every night", f"{again:.1f} s", window, again / yardstick, 2.0, at_most=True),
        Result(
            f"{name}, the first time",
            f"{whole:.1f} s, all rows written twice",
            window,
            whole / yardstick,
            None,
        ),
    ]


async def _fill(admin: "asyncpg.Connection[asyncpg.Record]", tenant: UUID, now: datetime) -> None:
    venue = uuid4()
    await admin.execute(_VENUE, venue, tenant)
    await admin.execute(_FILL, tenant, venue, now, _ORDERS, _CUSTOMERS, _MINUTES)
    await admin.execute("vacuum (analyze) purchases")


async def _windows(admin: "asyncpg.Connection[asyncpg.Record]", tenant: UUID) -> float:
    await admin.execute(_MEASURE, tenant)
    await admin.execute("analyze measures")
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        await admin.fetchval(_WINDOWS)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


async def _runs(environment: Mapping[str, str], tenant: UUID, now: datetime) -> tuple[float, float]:
    """Seconds of the first run and of a later one that finds few changes; both for venue and tenant."""
    database = Database.connect(environment["CUSTOMERS_DATABASE_URL"], application_name="benchmark")
    client = connect(environment["CUSTOMERS_REDIS_URL"])
    runs = ScoringRuns(
        database, Cache(client, service="customers", key=b"k" * 32), Members(), window_days=365
    )
    seconds = []
    try:
        with acting_as(service_caller("customers", tenant)):
            for later in (timedelta(), timedelta(minutes=1), timedelta(minutes=2)):
                started = time.perf_counter()
                await runs.run(TenantScope(tenant), as_of=now + later)
                seconds.append(time.perf_counter() - started)
    finally:
        await client.aclose()
        await database.close()
    return seconds[0], min(seconds[1:])
