"""Views of customers: their figures against the event log, their tenants, and how old they are."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

import pytest

from libs.common.context import TenantScope
from libs.common.jobs.queue import enqueue
from libs.common.jobs.runner import JobRunner
from services.customers.views.jobs import SCHEDULES, jobs_of
from services.customers.views.refreshes import VIEWS, Refreshes
from tests.customers.people.shoppers import bought, by, record
from tests.metrics.serving import eventually_equal
from tests.platform import events as make

PLAIN = ("customer_360", "user_dashboard_view")


async def rows(database, scope, query, *values):
    async with database.transaction(scope) as conn:
        return [dict(row) for row in await conn.fetch(query, *values)]


@pytest.fixture
async def season(handler):
    """Random sales with refunds at two venues, in two currencies; with what they come to."""
    random = Random(8)
    tenant, venues, people = uuid4(), [uuid4(), uuid4()], [uuid4() for _ in range(6)]
    events, expected = [], defaultdict(lambda: defaultdict(int))
    for number in range(80):
        venue, person, order = random.choice(venues), random.choice(people), uuid4()
        currency, quantity = random.choice(["EUR", "EUR", "USD"]), random.randint(1, 4)
        at = make.NOON + timedelta(hours=number)
        events.append(
            bought(tenant, venue, person, order, lines=[(quantity, 1_000)], currency=currency, at=at)
        )
        refund = random.choice([0, 0, 500, 1_000 * quantity])
        figures = expected[venue, person, currency]
        if refund:
            events.append(make.order_refunded(tenant, venue, order, amount=refund, currency=currency, at=at))
        figures["order_count"] += refund < 1_000 * quantity
        figures["ticket_count"] += quantity
        figures["gross_minor"] += 1_000 * quantity
        figures["refund_minor"] += refund
        figures["spend_minor"] += 1_000 * quantity - refund
    random.shuffle(events)
    await record(handler, events)
    return TenantScope(tenant), expected


async def test_customer_360_sums_what_the_log_says(database, season):
    scope, expected = season

    found = {
        (row["venue_id"], row["customer_id"], row["currency"]): row
        for row in await rows(database, scope, "select * from reporting_views.customer_360")
    }

    assert found.keys() == expected.keys()
    for key, figures in expected.items():
        assert {name: found[key][name] for name in figures} == figures
        assert (found[key]["first_purchase_at"] is None) == (figures["order_count"] == 0)


async def test_the_dashboard_tells_what_somebody_did_at_a_venue(database, handler):
    tenant, venue, show, later, person, friend, order = (uuid4() for _ in range(7))
    starts = make.NOON + timedelta(days=30)
    passed = make.ticket_transferred(tenant, venue, uuid4(), show=show)
    await record(
        handler,
        [
            make.event_created(tenant, venue, show, starts_at=starts),
            make.event_created(tenant, venue, later, starts_at=starts + timedelta(days=9)),
            bought(tenant, venue, person, order, lines=[(3, 1_000)], show=show),
            make.order_refunded(tenant, venue, order, amount=1_000, lines=[(1, None, show)]),
            bought(tenant, venue, person, currency="USD", show=later, at=make.NOON + timedelta(days=1)),
            by(by(passed, person, "from_customer_id"), friend, "to_customer_id"),
            *(
                by(make.ticket_scanned(tenant, venue, show=show, order=order, at=starts), person)
                for _ in range(2)
            ),
        ],
    )

    query = "select * from reporting_views.user_dashboard_view where customer_id = $1"
    (own,) = await rows(database, TenantScope(tenant), query, person)
    (others,) = await rows(database, TenantScope(tenant), query, friend)

    assert (
        own
        | {
            "first_seen_at": make.NOON,
            "last_seen_at": starts,
            "order_count": 2,
            "ticket_count": 3,
            "latest_show_at": starts + timedelta(days=9),
            "admitted_ticket_count": 2,
            "attended_show_count": 1,
            "sent_ticket_count": 1,
            "received_ticket_count": 0,
        }
        == own
    )
    assert (others["order_count"], others["received_ticket_count"], others["latest_show_at"]) == (0, 1, None)


async def test_materialized_views_are_the_plain_ones_at_their_refresh(database, worker_database, season):
    scope, _ = season
    refreshes = Refreshes(worker_database)
    for view in VIEWS:
        await refreshes.refresh(view)

    for plain, view in zip(PLAIN, VIEWS, strict=True):
        order = "order by venue_id, customer_id" + (", currency" if plain == "customer_360" else "")
        exact = await rows(database, scope, f"select * from reporting_views.{plain} {order}")
        assert exact
        assert exact == await rows(database, scope, f"select * from reporting_views.{view} {order}")


@pytest.mark.parametrize("view", [*PLAIN, *VIEWS, "purchase_traits"])
async def test_views_show_a_tenant_its_own_rows_and_a_grant_its_own_venues(
    database, worker_database, season, view
):
    scope, expected = season
    if view in VIEWS:
        await Refreshes(worker_database).refresh(view)
    (venue, _, _), *_ = expected
    name = view if view == "purchase_traits" else f"reporting_views.{view}"

    everywhere = await rows(database, scope, f"select venue_id from {name}")
    granted = await rows(
        database, TenantScope(scope.tenant_id, frozenset({venue})), f"select venue_id from {name}"
    )

    assert {row["venue_id"] for row in everywhere} == {key[0] for key in expected}
    assert {row["venue_id"] for row in granted} == {venue}
    assert await rows(database, TenantScope(uuid4()), f"select venue_id from {name}") == []


async def test_no_view_has_a_column_that_tells_who_somebody_is(as_admin):
    columns = await as_admin.fetch(
        "select column_name from information_schema.columns where table_schema = 'reporting_views'"
    )

    assert not {"name", "email", "phone", "city"} & {row["column_name"] for row in columns}


async def test_every_materialized_view_is_refreshed_on_a_schedule_and_tells_its_age(
    worker_database, as_admin, season
):
    made = await as_admin.fetch("select matviewname from pg_matviews where schemaname = 'materialized'")
    jobs = jobs_of(Refreshes(worker_database))
    before = await ages(as_admin)
    runner = JobRunner(worker_database, service="customers", jobs=jobs)
    due_at, key = datetime.now(UTC) - timedelta(days=1), str(uuid4())
    async with worker_database.infrastructure() as conn:
        for schedule in SCHEDULES:
            assert await enqueue(conn, schedule.job, run_key=key, grant=schedule.grant, due_at=due_at)

    async def states():
        await runner.step(now=datetime.now(UTC))
        await runner.idle()
        return [
            row["state"] for row in await as_admin.fetch("select state from job_runs where run_key = $1", key)
        ]

    assert {schedule.job for schedule in SCHEDULES} == {job.name for job in jobs}
    assert set(VIEWS) <= {row["matviewname"] for row in made}
    assert await eventually_equal(states, ["succeeded"] * len(VIEWS), within_seconds=60)
    after = await ages(as_admin)
    assert all(after[view] > before[view] for view in VIEWS)


async def ages(as_admin):
    rows = await as_admin.fetch("select view_name, refreshed_at from materialized_refreshes")
    return {row["view_name"]: row["refreshed_at"] for row in rows}
