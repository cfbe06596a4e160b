"""The nightly check finds and repairs what differs from the facts, and nothing else."""

import asyncio
import os
import sys
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from libs.common.bus.port import DONE, Delivery
from libs.common.context import TenantScope
from libs.common.jobs.queue import enqueue
from libs.common.jobs.runner import JobRunner
from services.metrics.daily.check import DailyCheck
from services.metrics.daily.jobs import jobs_of
from services.metrics.daily.schedule import check_schedule
from tests.metrics.platform import oracle_daily
from tests.metrics.platform.busy_days import busy_days, page_viewed
from tests.metrics.serving import eventually_equal
from tests.platform import events as make

TOO_MANY = """
insert into venue_analytics (tenant_id, venue_id, day, currency, order_count, newest_fact_at)
select tenant_id, venue_id, date '2019-05-05', 'EUR', 1, now() from venue_analytics where {0} limit 1
"""
INVENTED = """
insert into visitor_days select tenant_id, venue_id, day, 'ghost' from visitor_days where {0} limit 1
"""
DAMAGES = {
    "a wrong figure": (
        "update venue_analytics set gross_minor = gross_minor + 1 where {0}",
        "venue_analytics",
    ),
    "a missing row": ("delete from venue_analytics where {0}", "venue_analytics"),
    "a row too many": (TOO_MANY, "venue_analytics"),
    "a wrong show": ("update event_analytics set ticket_count = 77 where {0}", "event_analytics"),
    "a missing show": ("delete from event_analytics where {0}", "event_analytics"),
    "a lost visitor": ("delete from visitor_days where {0}", "visitor_days"),
    "an invented visitor": (INVENTED, "visitor_days"),
}


async def fill(handler, made):
    arrivals = made.arrivals(1)
    for at in range(0, len(arrivals), 200):
        settlements = await handler([Delivery(event, 1) for event in arrivals[at : at + 200]])
        assert all(settlement == DONE for settlement in settlements), settlements


async def check(database, tenant_id, *, due_at=None, whole=False):
    """Rows repaired by (venue, month) of what was compared."""
    found = DailyCheck(database).run(TenantScope(tenant_id), due_at=due_at or datetime.now(UTC), whole=whole)
    return {(month.venue_id, month.month): month.repaired_row_count async for month in found}


def counted(table):
    return REGISTRY.get_sample_value("daily_check_differences_total", {"table": table}) or 0


async def test_what_events_have_kept_needs_no_repair_in_any_month(database, handler, venue_days):
    made = busy_days(21)
    await fill(handler, made)

    compared = await check(database, made.tenant_id)

    assert set(compared.values()) == {0}
    days = oracle_daily.venue_days(made.log, made.zones)
    assert set(compared) >= {(venue, day.replace(day=1)) for venue, day, _ in days}
    assert await venue_days(made.tenant_id) == days


@pytest.mark.parametrize("damage", DAMAGES)
async def test_planted_damage_is_found_counted_and_repaired(
    database, handler, as_admin, venue_days, show_days, damage
):
    statement, table = DAMAGES[damage]
    made = busy_days(200 + list(DAMAGES).index(damage), facts=60)
    await fill(handler, made)
    right = await venue_days(made.tenant_id), await show_days(made.tenant_id)
    venue = await as_admin.fetchval(
        f"select venue_id from {table} where tenant_id = $1 limit 1", made.tenant_id
    )
    before = counted(table)
    where = f"tenant_id = '{made.tenant_id}' and venue_id = '{venue}'"
    await as_admin.execute(statement.format(where))

    repaired = await check(database, made.tenant_id)
    again = await check(database, made.tenant_id, due_at=datetime.now(UTC) + timedelta(seconds=1))

    assert sum(repaired.values()) > 0
    assert {venue_id for (venue_id, _), count in repaired.items() if count} == {venue}
    assert counted(table) - before >= 1
    assert (await venue_days(made.tenant_id), await show_days(made.tenant_id)) == right
    assert sum(again.values()) == 0
    assert sum((await check(database, made.tenant_id, whole=True)).values()) == 0


async def test_a_check_that_was_cut_short_goes_on_where_it_stopped(database, handler):
    made = busy_days(23, facts=60)
    await fill(handler, made)
    due_at = datetime.now(UTC)
    stopped = DailyCheck(database).run(TenantScope(made.tenant_id), due_at=due_at)
    first = await anext(stopped)
    await stopped.aclose()

    rest = await check(database, made.tenant_id, due_at=due_at)

    assert len(rest) == first.total - 1
    assert (first.venue_id, first.month) not in rest
    assert await check(database, made.tenant_id, due_at=due_at) == {}


async def test_old_months_are_compared_every_four_weeks_and_recent_ones_every_night(database, handler):
    tenant, venue = uuid4(), uuid4()
    night = datetime(2026, 11, 20, 3, tzinfo=UTC)
    old, recent = datetime(2025, 1, 5, tzinfo=UTC), datetime(2026, 10, 5, tzinfo=UTC)
    await handler([Delivery(make.order_completed(tenant, venue, at=at), 1) for at in (old, recent)])

    first = await check(database, tenant, due_at=night)
    next_night = await check(database, tenant, due_at=night + timedelta(days=1))
    four_weeks_on = await check(database, tenant, due_at=night + timedelta(days=28))
    asked_for = await check(database, tenant, due_at=night + timedelta(days=29), whole=True)

    both = {(venue, date(2025, 1, 1)), (venue, date(2026, 10, 1))}
    assert set(first) == set(four_weeks_on) == set(asked_for) == both
    assert set(next_night) == {(venue, date(2026, 10, 1))}


async def test_days_of_visits_that_retention_dropped_stay_as_they_are(
    database, handler, as_admin, venue_days
):
    tenant, venue = uuid4(), uuid4()
    long_ago = datetime(2024, 2, 1, 12, tzinfo=UTC)
    await handler([Delivery(page_viewed(tenant, venue, "s", at=long_ago), 1)])
    await handler([Delivery(make.order_completed(tenant, venue, at=long_ago), 1)])
    kept = await venue_days(tenant)
    await as_admin.execute("delete from session_activity where tenant_id = $1", tenant)
    await as_admin.execute(
        "update venue_analytics set order_count = 9 where tenant_id = $1 and currency <> ''", tenant
    )

    repaired = await check(database, tenant)

    assert repaired == {(venue, date(2024, 2, 1)): 1}
    assert await as_admin.fetchval("select count(*) from visitor_days where tenant_id = $1", tenant) == 0
    assert kept[venue, date(2024, 2, 1), ""] == {"page_view_count": 1, "visitor_count": 1}
    assert await venue_days(tenant) == kept


async def test_checks_beside_batches_find_nothing_and_lose_nothing(database, handler, venue_days):
    made = busy_days(24)
    arrivals = made.arrivals(3)

    async def replica(events):
        for at in range(0, len(events), 20):
            settlements = await handler([Delivery(event, 1) for event in events[at : at + 20]])
            assert all(settlement == DONE for settlement in settlements), settlements

    async def checks():
        return [await check(database, made.tenant_id) for _ in range(5)]

    results, *_ = await asyncio.gather(checks(), replica(arrivals[::2]), replica(arrivals[1::2]))

    assert sum(sum(result.values()) for result in results) == 0
    assert await venue_days(made.tenant_id) == oracle_daily.venue_days(made.log, made.zones)


async def test_the_first_batch_of_a_tenant_schedules_its_nightly_check(handler, as_admin):
    tenant = uuid4()

    await handler([Delivery(make.order_completed(tenant, uuid4()), 1)])

    (schedule,) = await as_admin.fetch("select * from job_schedules where tenant_id = $1", tenant)
    assert (schedule["job"], schedule["cron"], schedule["zone"]) == ("daily.check", "20 3 * * *", "UTC")
    assert (schedule["subject"], schedule["venue_ids"], schedule["enabled"]) == (
        "service:metrics",
        None,
        True,
    )
    assert datetime.now(UTC) < schedule["next_due_at"] <= datetime.now(UTC) + timedelta(days=1)


async def test_a_run_of_the_job_repairs_its_own_tenant_alone(
    database, worker_database, handler, as_admin, venue_days
):
    made, other = busy_days(25, facts=30), busy_days(27, facts=30)
    for each in (made, other):
        await fill(handler, each)
    right = await venue_days(made.tenant_id)
    for each in (made, other):
        await as_admin.execute(
            "update venue_analytics set order_count = 5 where tenant_id = $1", each.tenant_id
        )
    damaged = await venue_days(other.tenant_id)
    grant = check_schedule(made.tenant_id).grant
    async with database.transaction(grant.scope) as conn:
        now = datetime.now(UTC)
        await enqueue(conn, "daily.check", run_key="tonight", grant=grant, due_at=now - timedelta(days=1))
    runner = JobRunner(worker_database, service="metrics", jobs=jobs_of(DailyCheck(database)))

    async def state():
        await runner.step(now=datetime.now(UTC))
        await runner.idle()
        return await as_admin.fetchval("select state from job_runs where tenant_id = $1", made.tenant_id)

    assert await eventually_equal(state, "succeeded", within_seconds=60)
    assert await venue_days(made.tenant_id) == right
    assert await venue_days(other.tenant_id) == damaged


async def test_the_command_repairs_and_says_so(metrics_process, handler, as_admin, venue_days):
    made = busy_days(26, facts=30)
    await fill(handler, made)
    right = await venue_days(made.tenant_id)
    await as_admin.execute("delete from venue_analytics where tenant_id = $1", made.tenant_id)
    command = (sys.executable, "-m", "services.metrics", "check-daily", "--tenant", str(made.tenant_id))

    async def run():
        process = await asyncio.create_subprocess_exec(
            *command, env=os.environ | metrics_process.environment, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        return process.returncode, output.decode().splitlines()[-1]

    repaired, again = await run(), await run()

    assert repaired[0] == again[0] == 0
    assert repaired[1].startswith(f"tenant {made.tenant_id}: compared ")
    assert repaired[1].endswith(f"repaired {len(right)} rows")
    assert again[1].endswith("repaired 0 rows")
    assert await venue_days(made.tenant_id) == right
