"""Sales that were recorded before the daily tables existed are in them after the migration."""

from datetime import UTC, date, datetime
from uuid import uuid4

import asyncpg

from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from libs.common.postgres.migrate import run_migrations
from services.metrics.daily.check import DailyCheck
from services.metrics.daily.schedule import check_schedule

LINE = """
insert into order_lines (tenant_id, order_id, line_number, venue_id, sold_at, channel, currency, event_id,
                         order_count, event_order_count, line_order_count, ticket_count, gross_minor,
                         fee_minor, refunded_ticket_count, refund_minor, refunded_fee_minor, newest_fact_at)
values ($1, $2, $3, $4, $5, 'web', 'EUR', $6, $7, 1, 1, 2, 1000, 50, 1, 500, 20, $5)
"""


async def test_sales_before_the_migration_are_days_after_it_and_checked_every_night(postgres_server):
    fresh = await postgres_server.create_database("metrics")
    await run_migrations("services.metrics", fresh.owner_url, revision="0006")
    tenant, venue, show, order = uuid4(), uuid4(), uuid4(), uuid4()
    late = datetime(2026, 6, 1, 23, 30, tzinfo=UTC)
    admin = await asyncpg.connect(fresh.admin_url)
    await admin.execute(
        "insert into venues (tenant_id, venue_id, time_zone) values ($1, $2, 'Europe/Berlin')", tenant, venue
    )
    await admin.execute(LINE, tenant, order, 0, venue, late, show, 1)
    await admin.execute(LINE, tenant, order, 1, venue, late, None, 0)

    await run_migrations("services.metrics", fresh.owner_url)

    figures = "day, order_count, ticket_count, refunded_ticket_count, gross_minor, refund_minor, fee_minor"
    (of_venue,) = await admin.fetch(f"select {figures} from venue_analytics where tenant_id = $1", tenant)
    (of_show,) = await admin.fetch(f"select {figures} from event_analytics where event_id = $1", show)
    (schedule,) = await admin.fetch("select * from job_schedules where tenant_id = $1", tenant)
    forced = await admin.fetchval(
        "select bool_and(relforcerowsecurity) from pg_class where relkind = 'r' and relname = any($1)",
        ["venues", "order_lines", "job_schedules", "venue_analytics"],
    )
    database = Database.connect(fresh.app_url, application_name="tests", pool_size=2)
    compared = [
        month async for month in DailyCheck(database).run(TenantScope(tenant), due_at=datetime.now(UTC))
    ]
    await database.close()
    await admin.close()
    await postgres_server.drop_database(fresh)
    assert tuple(of_venue) == (date(2026, 6, 2), 1, 4, 2, 2_000, 1_000, 60)
    assert tuple(of_show) == (date(2026, 6, 2), 1, 2, 1, 1_000, 500, 30)
    assert forced
    wanted = check_schedule(tenant)
    assert (schedule["id"], schedule["job"], schedule["cron"]) == (wanted.id, wanted.job, wanted.cron)
    assert (schedule["jitter_seconds"], schedule["subject"]) == (3_600, wanted.grant.subject)
    assert [(month.month, month.repaired_row_count) for month in compared] == [(date(2026, 6, 1), 0)]
