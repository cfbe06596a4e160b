"""The daily tables hold what the log says, in the venue's own days, however the events arrive."""

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.bus.port import DONE, Delivery
from libs.common.context import TenantScope
from services.metrics.daily import recording
from services.metrics.daily.facts import DailyFact, DailyVisit
from tests.metrics.platform import oracle_daily
from tests.metrics.platform.busy_days import busy_days, page_viewed
from tests.metrics.serving import eventually_equal
from tests.platform import events as make

DIVIDED = ("gross_minor", "refund_minor", "fee_minor", "refunded_ticket_count")

# One row: somebody waits for the tenant's lock on days.
WAITING = """
select count(*)
  from pg_locks, hashtextextended('days of ' || $1::uuid::text, 0) as key
 where locktype = 'advisory' and not granted
   and (classid, objid) = (((key >> 32) & 4294967295)::oid, (key & 4294967295)::oid)
"""


async def deliver(handler, events, seed=0, *, replicas=3):
    """Hand the events over in batches of random size, several at a time; nothing may fail."""
    chance = random.Random(seed)
    batches = []
    while events:
        size = chance.randint(1, 60)
        batches.append([Delivery(event, 1) for event in events[:size]])
        events = events[size:]
    waiting = iter(batches)

    async def replica():
        for batch in waiting:
            settlements = await handler(batch)
            assert all(settlement == DONE for settlement in settlements), settlements

    await asyncio.gather(*(replica() for _ in range(replicas)))


def without_divided_money(show_days):
    """What the naive count of shows covers."""
    kept = {
        key: {name: n for name, n in figures.items() if name not in DIVIDED}
        for key, figures in show_days.items()
    }
    return {key: figures for key, figures in kept.items() if figures}


@pytest.mark.parametrize("seed", [1, 2])
async def test_shuffled_repeated_and_concurrent_events_add_up_to_local_days(
    handler, venue_days, show_days, seed
):
    made = busy_days(seed)

    await deliver(handler, made.arrivals(seed), seed)
    await deliver(handler, made.arrivals(seed + 100), seed)

    assert await venue_days(made.tenant_id) == oracle_daily.venue_days(made.log, made.zones)
    shows = await show_days(made.tenant_id)
    assert without_divided_money(shows) == oracle_daily.show_days(made.log, made.zones)


async def test_money_of_shows_adds_up_to_the_venue(handler, venue_days, show_days):
    made = busy_days(7, facts=80)

    await deliver(handler, made.arrivals(7), 7)

    by_venue = {}
    for (_, venue, day, currency), figures in (await show_days(made.tenant_id)).items():
        sums = by_venue.setdefault((venue, day, currency), dict.fromkeys(DIVIDED, 0))
        for name in DIVIDED:
            sums[name] += figures.get(name, 0)
    for key, figures in (await venue_days(made.tenant_id)).items():
        of_shows = by_venue.get(key, dict.fromkeys(DIVIDED, 0))
        assert of_shows == {name: figures.get(name, 0) for name in DIVIDED}


@pytest.mark.parametrize("seed", [3, 4, 5])
async def test_a_change_of_zone_cuts_all_days_anew_while_batches_arrive(handler, venue_days, seed):
    made = busy_days(seed, facts=120)
    venue, other, third = made.zones
    moved = {venue: "Pacific/Apia", other: "America/St_Johns", third: made.zones[third]}
    changes = [
        make.venue_updated(made.tenant_id, one, version=version, time_zone=zone)
        for one, new in moved.items()
        for version, zone in ((2, "Asia/Kathmandu"), (3, new))
    ]
    arrivals = made.arrivals(seed)
    for change in changes:
        arrivals.insert(random.Random(str(change)).randrange(len(arrivals)), change)

    await deliver(handler, arrivals, seed, replicas=4)

    assert await venue_days(made.tenant_id) == oracle_daily.venue_days(made.log, moved)


@pytest.mark.parametrize("first", ["the sale", "the zone"])
async def test_sale_and_zone_wait_for_each_other_whichever_is_first(
    database, read_models, handler, as_admin, venue_days, first
):
    tenant, venue = uuid4(), uuid4()
    sale = make.order_completed(tenant, venue, at=datetime(2026, 6, 1, 23, tzinfo=UTC))
    zone = make.venue_updated(tenant, venue, version=1, time_zone="Asia/Kathmandu")
    await deliver(handler, [make.venue_updated(tenant, venue, time_zone="America/New_York")])
    ahead, behind = (sale, zone) if first == "the sale" else (zone, sale)

    async with database.transaction(TenantScope(tenant)) as conn:
        await read_models.apply(conn, [ahead])
        waiting = asyncio.create_task(handler([Delivery(behind, 1)]))

        async def decided():
            return waiting.done() or bool(await as_admin.fetchval(WAITING, tenant))

        assert await eventually_equal(decided, True)

    assert await waiting == [DONE]
    assert [day for _, day, _ in await venue_days(tenant)] == [date(2026, 6, 2)]


async def test_visitors_stay_unique_after_a_change_of_zone(handler, venue_days):
    tenant, venue = uuid4(), uuid4()
    evening = datetime(2026, 6, 1, 22, 30, tzinfo=UTC)
    views = [page_viewed(tenant, venue, "s", at=evening + timedelta(hours=hour)) for hour in (0, 1, 2)]
    await deliver(handler, views)
    in_utc = await venue_days(tenant)

    await deliver(handler, [make.venue_updated(tenant, venue, time_zone="Asia/Kathmandu")])
    await deliver(handler, [page_viewed(tenant, venue, "s", at=evening + timedelta(hours=3))])

    assert in_utc == {
        (venue, date(2026, 6, 1), ""): {"page_view_count": 2, "visitor_count": 1},
        (venue, date(2026, 6, 2), ""): {"page_view_count": 1, "visitor_count": 1},
    }
    assert await venue_days(tenant) == {
        (venue, date(2026, 6, 2), ""): {"page_view_count": 4, "visitor_count": 1}
    }


async def test_the_older_statement_of_a_zone_changes_nothing(handler, venue_days):
    tenant, venue = uuid4(), uuid4()
    late = datetime(2026, 6, 1, 23, tzinfo=UTC)
    await deliver(handler, [make.venue_updated(tenant, venue, version=2)])
    await deliver(handler, [make.order_completed(tenant, venue, at=late)])

    await deliver(handler, [make.venue_updated(tenant, venue, version=1, time_zone="America/New_York")])

    assert [day for _, day, _ in await venue_days(tenant)] == [date(2026, 6, 2)]


async def test_a_show_that_moves_leaves_its_sales_with_the_venue_of_the_sale(handler, show_days):
    tenant, old, new, show = uuid4(), uuid4(), uuid4(), uuid4()
    await deliver(handler, [make.event_created(tenant, old, show)])
    await deliver(handler, [make.order_completed(tenant, old, show=show)])

    await deliver(handler, [make.event_updated(tenant, new, show, version=1)])
    await deliver(handler, [make.order_completed(tenant, new, show=show)])

    rows = await show_days(tenant)
    assert {(key[0], key[1]): figures["order_count"] for key, figures in rows.items()} == {
        (show, old): 1,
        (show, new): 1,
    }


async def test_an_order_that_moves_to_another_venue_moves_its_day(handler, venue_days):
    tenant, old, new, order = uuid4(), uuid4(), uuid4(), uuid4()
    at = datetime(2026, 6, 1, 20, tzinfo=UTC)
    await deliver(handler, [make.venue_updated(tenant, new, time_zone="Asia/Kathmandu")])
    await deliver(handler, [make.order_completed(tenant, old, order, at=at)])

    await deliver(handler, [make.order_completed(tenant, new, order, at=at, version=1)])

    figures = {"order_count": 1, "ticket_count": 1, "gross_minor": 1_000}
    assert await venue_days(tenant) == {(new, date(2026, 6, 2), "EUR"): figures}


async def test_facts_from_the_edge_of_the_calendar_are_taken(handler, venue_days):
    tenant, venue = uuid4(), uuid4()
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    await deliver(handler, [make.venue_updated(tenant, venue, time_zone="America/New_York")])

    await deliver(handler, [make.order_completed(tenant, venue, at=at) for at in (first, last)])

    assert sorted(day for _, day, _ in await venue_days(tenant)) == [date(1, 1, 1), date(9999, 12, 31)]


async def test_facts_and_visits_made_by_hand_are_added_once_each(database, venues, as_admin, venue_days):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    scope = TenantScope(tenant)
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    facts = [
        DailyFact(venue, show, noon, "", {"scanned_count": 2}),
        DailyFact(venue, None, noon, "", {"transferred_count": 3}),
        DailyFact(venue, show, noon, "", {"scanned_count": -1}, noon + timedelta(days=9)),
    ]
    visits = [DailyVisit(venue, "s", noon + timedelta(minutes=minute)) for minute in range(3)]
    async with database.transaction(scope) as conn:
        await venues.register(conn, scope, [venue])
        before = await recording.begin(conn, tenant, [])
        await recording.record(conn, tenant, facts, visits, before)

    rows = await venue_days(tenant)

    assert rows == {
        (venue, date(2026, 7, 1), ""): {"scanned_count": 1, "transferred_count": 3, "visitor_count": 1}
    }
    newest = await as_admin.fetchval(
        "select newest_fact_at from venue_analytics where tenant_id = $1", tenant
    )
    assert newest == noon + timedelta(days=9)


async def test_a_figure_that_no_column_has_is_refused(database, venues):
    tenant, venue = uuid4(), uuid4()
    scope = TenantScope(tenant)
    fact = DailyFact(venue, None, datetime.now(UTC), "", {"ticket_counts": 1})

    with pytest.raises(ValueError, match="ticket_counts"):
        async with database.transaction(scope) as conn:
            await venues.register(conn, scope, [venue])
            await recording.record(conn, tenant, [fact], [], await recording.begin(conn, tenant, []))


@pytest.mark.parametrize("table", ["venue_analytics", "event_analytics", "visitor_days", "daily_checks"])
async def test_another_tenant_and_another_venues_grant_see_no_row(database, handler, as_admin, table):
    made = busy_days(11, facts=40)
    await deliver(handler, made.arrivals(11))
    venue = next(iter(made.zones))
    await as_admin.execute(
        "insert into daily_checks values ($1, $2, '2026-01-01', now(), 0) on conflict do nothing",
        made.tenant_id,
        venue,
    )

    async def seen(scope):
        async with database.transaction(scope) as conn:
            return {row["venue_id"] for row in await conn.fetch(f"select venue_id from {table}")}

    assert await seen(TenantScope(uuid4())) == set()
    assert await seen(TenantScope(made.tenant_id, frozenset({uuid4()}))) == set()
    assert await seen(TenantScope(made.tenant_id, frozenset({venue}))) == {venue}
