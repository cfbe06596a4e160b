"""The read models hold what the log says, however it arrives."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from libs.common.buckets import Window
from libs.common.bus.port import DONE, Delivery, Verdict
from libs.common.context import TenantScope
from services.metrics.capacity.report import Capacity
from services.metrics.revenue.summary import Revenue
from services.metrics.sales.reader import SalesReader
from tests.metrics.platform import oracle
from tests.platform import events as make
from tests.platform.events import NOON
from tests.platform.season import season

# Grain: rollup row. Not empty exactly when the rollup is not the sum of the lines.
ROLLUP_ERRORS = """
with lines as (
    select tenant_id, venue_id, bucket_minutes,
           date_bin(make_interval(mins => bucket_minutes), sold_at, 'epoch') as bucket_start,
           coalesce(event_id, '00000000-0000-0000-0000-000000000000') as event_id,
           coalesce(ticket_type_id, '00000000-0000-0000-0000-000000000000') as ticket_type_id,
           channel, currency, sum(order_count) as o, sum(event_order_count) as eo,
           sum(line_order_count) as lo, sum(ticket_count) as t, sum(gross_minor) as g, sum(fee_minor) as f,
           sum(refunded_ticket_count) as rt, sum(refund_minor) as r, sum(refunded_fee_minor) as rf
      from order_lines, unnest(array[15, 1440]) as bucket_minutes
     where tenant_id = $1 group by 1, 2, 3, 4, 5, 6, 7, 8
)
select * from lines full join (select * from sales_rollup where tenant_id = $1) as kept
 using (tenant_id, venue_id, bucket_minutes, bucket_start, event_id, ticket_type_id, channel, currency)
 where (coalesce(o, 0), coalesce(eo, 0), coalesce(lo, 0), coalesce(t, 0), coalesce(g, 0), coalesce(f, 0),
        coalesce(rt, 0), coalesce(r, 0), coalesce(rf, 0))
    is distinct from (order_count, event_order_count, line_order_count, ticket_count, gross_minor, fee_minor,
        refunded_ticket_count, refund_minor, refunded_fee_minor)
"""
COUNT_ERRORS = """
with lines as (
    select coalesce(event_id, '00000000-0000-0000-0000-000000000000') as event_id,
           coalesce(ticket_type_id, '00000000-0000-0000-0000-000000000000') as ticket_type_id, venue_id,
           sum(ticket_count) as t, sum(refunded_ticket_count) as rt
      from order_lines where tenant_id = $1 group by 1, 2, 3
)
select * from lines full join (select * from ticket_counts where tenant_id = $1) as kept
 using (event_id, ticket_type_id, venue_id)
 where (coalesce(t, 0), coalesce(rt, 0)) is distinct from (sold_count, refunded_count)
"""


async def deliver(handler, events, seed=0):
    """Hand the events over in batches of random size, two at a time; nothing may fail."""
    chance = random.Random(seed)
    batches = []
    while events:
        size = chance.randint(1, 40)
        batches.append([Delivery(event, 1) for event in events[:size]])
        events = events[size:]
    while batches:
        pair, batches = batches[:2], batches[2:]
        for settlements in await asyncio.gather(*(handler(batch) for batch in pair)):
            assert all(settlement == DONE for settlement in settlements), settlements


async def revenue_by_currency(database, venues, scope, start, end, venue_id=None):
    summary = await Revenue(SalesReader(database), venues).summary(scope, Window(start, end), venue_id)
    return [
        {
            figures.currency: (
                figures.order_count,
                figures.ticket_count,
                figures.gross_minor,
                figures.refund_minor,
                figures.fee_minor,
            )
            for figures in part
        }
        for part in (summary.current, summary.previous)
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_shuffled_repeated_and_late_events_add_up(database, venues, handler, as_admin, seed):
    made = season(seed)
    scope = TenantScope(made.tenant_id)

    await deliver(handler, made.arrivals(seed), seed)
    await deliver(handler, made.arrivals(seed + 100), seed)

    assert await as_admin.fetch(ROLLUP_ERRORS, made.tenant_id) == []
    assert await as_admin.fetch(COUNT_ERRORS, made.tenant_id) == []
    chance = random.Random(seed)
    for _ in range(12):
        start = NOON + timedelta(
            seconds=chance.randrange(-3600, 6 * 3600), microseconds=chance.randrange(10**6)
        )
        length = timedelta(seconds=chance.choice([1, 300, 1700, 9000, 40_000, 200_000]))
        for venue_id in (None, *made.venues):
            chosen = made.venues if venue_id is None else [venue_id]
            now, before = await revenue_by_currency(database, venues, scope, start, start + length, venue_id)
            assert now == oracle.revenue(made.log, start, start + length, chosen)
            assert before == oracle.revenue(made.log, start - length, start, chosen)
    assert oracle.revenue(made.log, NOON, NOON + timedelta(days=1), made.venues).keys() == {"EUR", "USD"}


@pytest.mark.parametrize("seed", [1, 2])
async def test_seats_add_up_and_the_newest_description_holds(database, venues, handler, seed):
    made = season(seed + 10)
    await deliver(handler, made.arrivals(seed), seed)
    sold = oracle.sold(made.log)

    for venue in made.venues:
        capacity = Capacity(database, venues, now=lambda: NOON)
        report = await capacity.report(TenantScope(made.tenant_id), venue, None)

        assert {event.event_id for event in report.events} == {
            show for show, its_venue in made.shows.items() if its_venue == venue
        }
        for event in report.events:
            assert event.name == "Renamed"
            assert (event.seats.total, event.seats.held) == (600, 6)
            for of_type in event.ticket_types:
                assert of_type.seats.sold == sold[str(event.event_id), str(of_type.ticket_type_id or "")]
            assert event.seats.sold == sum(n for (show, _), n in sold.items() if show == str(event.event_id))


async def test_a_refund_before_its_order_is_kept_and_restates_the_day_of_the_sale(database, venues, handler):
    tenant, venue, order = uuid4(), uuid4(), uuid4()
    sale = make.order_completed(tenant, venue, order, lines=[(2, 1_000)], fees=100)
    late = NOON + timedelta(days=40)
    scope = TenantScope(tenant)

    await deliver(handler, [make.order_refunded(tenant, venue, order, amount=700, fees=30, at=late)])
    alone, _ = await revenue_by_currency(database, venues, scope, NOON, late + timedelta(days=1))
    await deliver(handler, [sale])
    on_the_day, _ = await revenue_by_currency(database, venues, scope, NOON, NOON + timedelta(minutes=1))
    on_the_refund, _ = await revenue_by_currency(database, venues, scope, late, late + timedelta(days=1))

    assert alone == {}
    assert on_the_day == {"EUR": (1, 2, 2_000, 700, 70)}
    assert on_the_refund == {}


async def test_a_moved_sale_leaves_its_old_bucket(database, venues, handler):
    tenant, venue, order = uuid4(), uuid4(), uuid4()
    moved = NOON + timedelta(hours=3)

    await deliver(handler, [make.order_completed(tenant, venue, order)])
    await deliver(handler, [make.order_completed(tenant, venue, order, at=moved, version=1, currency="CHF")])

    scope = TenantScope(tenant)
    old, _ = await revenue_by_currency(database, venues, scope, NOON, NOON + timedelta(hours=1))
    new, _ = await revenue_by_currency(database, venues, scope, moved, moved + timedelta(hours=1))
    assert old == {}
    assert new == {"CHF": (1, 1, 1_000, 0, 0)}


async def test_an_event_of_another_tenants_venue_is_dead_and_harms_no_other(database, venues, handler):
    owner, thief, venue, own = uuid4(), uuid4(), uuid4(), uuid4()
    await deliver(handler, [make.venue_updated(owner, venue, name="Mine")])

    stolen = make.order_completed(thief, venue)
    renamed = make.venue_updated(thief, venue, name="Stolen", version=99)
    honest = make.order_completed(thief, own)
    settlements = await handler([Delivery(event, 1) for event in (stolen, honest, renamed)])

    assert [settlement.verdict for settlement in settlements] == [Verdict.DEAD, Verdict.DONE, Verdict.DEAD]
    assert settlements[0].reason.startswith("VENUE_NOT_FOUND")
    assert set(await venues.known(TenantScope(thief), [venue, own])) == {own}
    figures, _ = await revenue_by_currency(
        database, venues, TenantScope(thief), NOON, NOON + timedelta(hours=1)
    )
    assert figures == {"EUR": (1, 1, 1_000, 0, 0)}


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda event: event.ClearField("venue_id"), "venueId"),
        (lambda event: event.order_completed.ClearField("lines"), "orderCompleted.lines"),
        (lambda event: setattr(event.order_completed, "order_id", "42"), "orderCompleted.orderId"),
        (lambda event: setattr(event.occurred_at, "seconds", 10**15), "occurredAt"),
    ],
)
async def test_an_unfit_event_goes_to_the_dead_letters_with_its_field(handler, spoil, field):
    poison = make.order_completed(uuid4(), uuid4())
    spoil(poison)

    (settlement,) = await handler([Delivery(poison, 1)])

    assert settlement.verdict is Verdict.DEAD
    assert settlement.reason.startswith(f"INVALID_FIELD: {field}")


async def test_a_venue_with_an_unknown_zone_is_not_believed(handler):
    (settlement,) = await handler([Delivery(make.venue_updated(uuid4(), uuid4(), time_zone="Mars/Base"), 1)])

    assert settlement.verdict is Verdict.DEAD


async def test_a_committed_venue_is_believed_at_once(venues, handler):
    tenant, venue = uuid4(), uuid4()
    scope = TenantScope(tenant)
    await deliver(handler, [make.order_completed(tenant, venue)])
    assert (await venues.require(scope, [venue]))[venue].time_zone == "UTC"

    await deliver(handler, [make.venue_updated(tenant, venue, time_zone="Asia/Kathmandu")])

    assert (await venues.require(scope, [venue]))[venue].time_zone == "Asia/Kathmandu"


async def test_new_sales_are_live_and_old_ones_are_not(handler, as_admin):
    tenant, venue = uuid4(), uuid4()
    now = datetime.now(UTC)
    sales = [
        make.order_completed(tenant, venue, lines=[(2, 1_000), (1, 500)], at=now),
        make.order_completed(tenant, venue, lines=[(1, 100)], at=now),
        make.order_completed(tenant, venue, at=now - timedelta(days=1)),
    ]

    await deliver(handler, sales)
    await deliver(handler, sales)

    live = await as_admin.fetch(
        "select metric_type, currency, sum(value_count)::int as n, sum(value_sum)::int as total"
        " from realtime_metrics where tenant_id = $1 group by 1, 2 order by 1",
        tenant,
    )
    assert [tuple(row) for row in live] == [
        ("gross_revenue", "EUR", 2, 2_600),
        ("orders_completed", "", 2, 2),
        ("tickets_sold", "", 2, 4),
    ]


async def test_a_venue_grant_limits_tenant_wide_revenue(database, venues, handler):
    made = season(42, orders=40)
    await deliver(handler, made.arrivals(1))
    granted = made.venues[0]
    scope = TenantScope(made.tenant_id, frozenset({granted}))

    figures, _ = await revenue_by_currency(database, venues, scope, NOON, NOON + timedelta(days=1))

    assert figures == oracle.revenue(made.log, NOON, NOON + timedelta(days=1), [granted])
    assert figures != oracle.revenue(made.log, NOON, NOON + timedelta(days=1), made.venues)


@pytest.mark.parametrize(
    "table",
    ["venues", "events", "ticket_types", "orders", "refunds", "order_lines", "sales_rollup", "ticket_counts"],
)
async def test_without_a_tenant_no_row_is_visible(database, handler, as_admin, table):
    made = season(5, orders=30)
    await deliver(handler, made.arrivals(1))

    async with database.infrastructure() as conn:
        seen = await conn.fetchval(f"select count(*) from {table}")

    assert seen == 0
    assert await as_admin.fetchval(f"select count(*) from {table}") > 0


async def test_a_foreign_tenant_sees_nothing(database, venues, handler):
    made = season(6, orders=30)
    await deliver(handler, made.arrivals(1))

    figures, _ = await revenue_by_currency(
        database, venues, TenantScope(UUID(int=9)), NOON, NOON + timedelta(days=1)
    )

    assert figures == {}
