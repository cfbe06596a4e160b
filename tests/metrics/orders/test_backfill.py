"""Sales that were recorded before orders were counted by show are counted by show after the migration."""

from datetime import UTC, datetime
from uuid import uuid4

import asyncpg

from libs.common.postgres.migrate import run_migrations
from tests.metrics.read_models.test_read_models import ROLLUP_ERRORS

LINE = """
insert into order_lines (tenant_id, order_id, line_number, venue_id, sold_at, channel, currency, event_id,
                         ticket_type_id, order_count, ticket_count, gross_minor, fee_minor,
                         refunded_ticket_count, refund_minor, refunded_fee_minor, newest_fact_at)
values ($1, $2, $3, $4, $5, 'web', $6, $7, $8, $9, $10, 1000, 50, 1, 500, 20, $5)
"""
COUNTS = (
    "select event_order_count, line_order_count from order_lines where tenant_id = $1 order by line_number"
)


async def test_lines_and_sums_before_the_migration_count_by_show_and_type_after_it(postgres_server):
    fresh = await postgres_server.create_database("metrics")
    await run_migrations("services.metrics", fresh.owner_url, revision="0002")
    tenant, venue, order, show, other, stalls, balcony = (uuid4() for _ in range(7))
    late = datetime(2026, 6, 1, 23, 50, tzinfo=UTC)
    lines = [
        ("EUR", show, stalls, 1, 2),
        ("EUR", show, balcony, 0, 1),
        ("EUR", show, stalls, 0, 1),
        ("EUR", other, None, 0, 1),
        ("CHF", show, None, 0, 0),
    ]
    admin = await asyncpg.connect(fresh.admin_url)
    for number, line in enumerate(lines):
        await admin.execute(LINE, tenant, order, number, venue, late, *line)

    await run_migrations("services.metrics", fresh.owner_url, revision="0003")

    counts = [tuple(row) for row in await admin.fetch(COUNTS, tenant)]
    errors = await admin.fetch(ROLLUP_ERRORS, tenant)
    rows = await admin.fetchval("select count(*) from sales_rollup")
    forced = await admin.fetchval(
        "select bool_and(relforcerowsecurity) from pg_class where relname = any($1)",
        ["order_lines", "sales_rollup", "order_sessions"],
    )
    await admin.close()
    await postgres_server.drop_database(fresh)
    assert counts == [(1, 1), (0, 1), (0, 0), (1, 1), (0, 0)]
    assert (errors, rows) == ([], 8)
    assert forced
