"""Views and materialized views: their figures, their tenants, and how old they are."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from libs.common.bus.port import DONE, Delivery
from libs.common.context import TenantScope
from libs.common.jobs.queue import enqueue
from libs.common.jobs.runner import JobRunner
from services.metrics.views.jobs import SCHEDULES, jobs_of
from services.metrics.views.refreshes import VIEWS, Refreshes
from tests.metrics.platform.busy_days import busy_days
from tests.metrics.serving import eventually_equal
from tests.platform import events as make

EVENING = datetime(2026, 6, 1, 20, tzinfo=UTC)
_REFRESHED_AT = "select refreshed_at from materialized_refreshes where view_name = $1"


async def record(handler, events):
    settlements = await handler([Delivery(event, 1) for event in events])
    assert all(settlement == DONE for settlement in settlements), settlements


async def rows(database, scope, query, *values):
    async with database.transaction(scope) as conn:
        return [dict(row) for row in await conn.fetch(query, *values)]


@pytest.fixture
async def house(handler):
    """A venue with one show: two sales in euros, one in dollars, a return, a scan, a resale, a transfer."""
    tenant, venue, show, order, ticket = (uuid4() for _ in range(5))
    of_show = {"show": show, "at": EVENING}
    await record(
        handler,
        [
            make.venue_updated(tenant, venue, name="Hall"),
            make.event_created(tenant, venue, show, name="Premiere", capacity=300),
            make.order_completed(tenant, venue, order, lines=[(2, 1_000)], fees=100, **of_show),
            make.order_completed(
                tenant, venue, lines=[(1, 1_000)], show=show, at=EVENING + timedelta(days=40)
            ),
            make.order_completed(tenant, venue, lines=[(1, 900)], currency="USD", **of_show),
            make.order_refunded(tenant, venue, order, amount=600, lines=[(1, None, show)], at=EVENING),
            make.ticket_scanned(tenant, venue, ticket, gate="A", **of_show),
            make.ticket_transferred(tenant, venue, uuid4(), **of_show),
            make.ticket_resold(tenant, venue, uuid4(), price=5_000, royalty=250, **of_show),
        ],
    )
    return TenantScope(tenant), venue, show


async def test_event_summary_has_a_row_for_every_currency_of_a_show(database, house):
    scope, venue, show = house

    euros, dollars = await rows(
        database,
        scope,
        "select * from reporting_views.event_summary where event_id = $1 order by currency",
        show,
    )

    of_show = {
        "tenant_id": scope.tenant_id,
        "event_id": show,
        "event_name": "Premiere",
        "venue_id": venue,
        "venue_name": "Hall",
        "time_zone": "Europe/Berlin",
        "starts_at": make.NOON + timedelta(days=30),
        "cancelled_at": None,
        "capacity": 300,
        "scanned_count": 1,
        "transferred_count": 1,
    }
    assert euros == of_show | {
        "currency": "EUR",
        "order_count": 2,
        "sold_count": 3,
        "returned_count": 1,
        "gross_minor": 3_000,
        "refund_minor": 600,
        "fee_minor": 100,
        "net_minor": 2_300,
        "resale_count": 1,
        "resale_minor": 5_000,
        "royalty_minor": 250,
    }
    assert dollars | of_show == dollars
    assert (dollars["currency"], dollars["sold_count"], dollars["net_minor"]) == ("USD", 1, 900)


async def test_a_show_without_a_sale_is_in_the_summary_with_what_its_types_hold(database, handler):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    types = [make.ticket_type_updated(tenant, venue, show, uuid4(), capacity=size) for size in (100, 50)]
    await record(handler, [make.event_created(tenant, venue, show, capacity=300), *types])

    (row,) = await rows(database, TenantScope(tenant), "select * from reporting_views.event_summary")

    assert (row["currency"], row["capacity"], row["sold_count"], row["net_minor"]) == (None, 150, 0, 0)


async def test_daily_views_name_their_venue_and_leave_days_without_money_to_one_of_them(database, house):
    scope, venue, _ = house

    money = await rows(
        database,
        scope,
        "select day, venue_id, venue_name, currency, net_minor, resale_minor"
        " from reporting_views.financial_summary order by day, currency",
    )
    figures = await rows(
        database, scope, "select * from reporting_views.venue_analytics order by day, currency"
    )

    first, later = date(2026, 6, 1), date(2026, 7, 11)
    assert [tuple(row.values()) for row in money] == [
        (first, venue, "Hall", "EUR", 1_300, 5_000),
        (first, venue, "Hall", "USD", 900, 0),
        (later, venue, "Hall", "EUR", 1_000, 0),
    ]
    assert [(row["day"], row["currency"]) for row in figures] == [
        (first, ""),
        (first, "EUR"),
        (first, "USD"),
        (later, "EUR"),
    ]
    assert (figures[0]["scanned_count"], figures[0]["time_zone"]) == (1, "Europe/Berlin")


async def test_a_refresh_under_forced_row_level_security_fills_the_view_for_each_tenant(
    database, worker_database, house
):
    scope, venue, _ = house
    began = await Refreshes(worker_database).refresh("venue_analytics_mv")

    query = (
        "select month, currency, day_count, gross_minor, net_minor from reporting_views.venue_analytics_mv"
    )
    seen = await rows(database, scope, f"{query} order by month, currency")

    assert [tuple(row.values()) for row in seen] == [
        (date(2026, 6, 1), "", 1, 0, 0),
        (date(2026, 6, 1), "EUR", 1, 2_000, 1_300),
        (date(2026, 6, 1), "USD", 1, 900, 900),
        (date(2026, 7, 1), "EUR", 1, 1_000, 1_000),
    ]
    async with database.transaction(scope) as conn:
        remembered = await conn.fetchval(_REFRESHED_AT, "venue_analytics_mv")
    assert remembered == began
    assert await rows(database, TenantScope(uuid4()), query) == []
    assert await rows(database, TenantScope(scope.tenant_id, frozenset({uuid4()})), query) == []
    assert len(await rows(database, TenantScope(scope.tenant_id, frozenset({venue})), query)) == 4


async def test_the_materialized_months_add_up_to_the_days(database, worker_database, handler):
    made = busy_days(41, facts=80)
    await record(handler, made.log)
    await Refreshes(worker_database).refresh("venue_analytics_mv")
    sums = (
        "sum(order_count)::int, sum(gross_minor)::int, sum(net_minor)::int, sum(scanned_count)::int,"
        " sum(visitor_count)::int, sum(resale_minor)::int, max(newest_fact_at)"
    )

    (months,) = await rows(
        database, TenantScope(made.tenant_id), f"select {sums} from reporting_views.venue_analytics_mv"
    )
    (days,) = await rows(
        database, TenantScope(made.tenant_id), f"select {sums} from reporting_views.venue_analytics"
    )

    assert months == days
    assert all(months.values())


@pytest.mark.parametrize(
    "view", ["event_summary", "venue_analytics", "financial_summary", "venue_analytics_mv"]
)
async def test_another_tenant_sees_no_row_of_a_view_and_nobody_the_view_beneath(
    database, worker_database, house, view
):
    scope, _, _ = house
    await Refreshes(worker_database).refresh("venue_analytics_mv")

    assert await rows(database, scope, f"select tenant_id from reporting_views.{view}") != []
    assert await rows(database, TenantScope(uuid4()), f"select tenant_id from reporting_views.{view}") == []
    async with database.infrastructure() as conn:
        assert await conn.fetch(f"select tenant_id from reporting_views.{view}") == []
        beneath = "has_schema_privilege(current_user, 'materialized', 'usage')"
        assert await conn.fetchval(f"select {beneath}") is False


async def test_every_materialized_view_is_refreshed_on_a_schedule_and_tells_its_age(
    database, worker_database, as_admin
):
    made = await as_admin.fetch("select matviewname from pg_matviews where schemaname = 'materialized'")
    assert {row["matviewname"] for row in made} == set(VIEWS)
    assert {schedule.job for schedule in SCHEDULES} == {
        job.name for job in jobs_of(Refreshes(worker_database))
    }
    before = {row["view_name"]: row["refreshed_at"] for row in await ages(as_admin)}
    runner = JobRunner(worker_database, service="metrics", jobs=jobs_of(Refreshes(worker_database)))
    due_at = datetime.now(UTC) - timedelta(days=1)
    key = str(uuid4())
    async with worker_database.infrastructure() as conn:
        for schedule in SCHEDULES:
            assert await enqueue(conn, schedule.job, run_key=key, grant=schedule.grant, due_at=due_at)

    async def states():
        await runner.step(now=datetime.now(UTC))
        await runner.idle()
        return [
            row["state"] for row in await as_admin.fetch("select state from job_runs where run_key = $1", key)
        ]

    assert await eventually_equal(states, ["succeeded"] * len(VIEWS), within_seconds=60)
    after = {row["view_name"]: row["refreshed_at"] for row in await ages(as_admin)}
    assert set(after) == set(VIEWS)
    assert all(after[view] > before[view] for view in VIEWS)
    for view in VIEWS:
        assert await Refreshes(worker_database).refresh(view) > after[view]
        gauge = REGISTRY.get_sample_value("materialized_view_refreshed_timestamp_seconds", {"view": view})
        assert gauge is not None
        assert gauge > after[view].timestamp()


async def ages(as_admin):
    return await as_admin.fetch("select view_name, refreshed_at from materialized_refreshes")
