"""Venues over time over gRPC, beside a naive count of the same events."""

import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from tickettoken.metrics.v1 import performance_pb2

from libs.common.bus.port import DONE, Delivery
from tests.metrics.platform import oracle_daily
from tests.metrics.platform.busy_days import busy_days, page_viewed
from tests.metrics.serving import bad_fields, eventually_equal, refused
from tests.platform import events as make

COUNTS = ("order_count", "ticket_count", "refunded_ticket_count", "scanned_count", "visitor_count")
MONEY = ("gross_minor", "refund_minor", "fee_minor", "order_count", "ticket_count")
NAMES = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}


@pytest.fixture(scope="session")
async def season():
    return busy_days(31)


@pytest.fixture
async def made(season, handler, as_admin):
    """The season, applied by whichever test asks first."""
    arrivals = season.arrivals(1)
    for at in range(0, len(arrivals), 200):
        settlements = await handler([Delivery(event, 1) for event in arrivals[at : at + 200]])
        assert all(settlement == DONE for settlement in settlements), settlements
    return season


async def performance(client, start, end, granularity="", venue=None):
    request = performance_pb2.ListVenuePerformanceRequest(
        granularity=granularity, venue_id="" if venue is None else str(venue)
    )
    request.start_date.FromDatetime(start)
    request.end_date.FromDatetime(end)
    return await client.analytics.ListVenuePerformance(request, metadata=client.metadata)


def naive(made, venue, start, end, granularity):
    """Counts by period, and money by period and currency, of the days that begin within the window."""
    clock, name = ZoneInfo(made.zones[venue]), NAMES[granularity]
    counts, money = defaultdict(Counter), defaultdict(Counter)
    for (own, day, currency), figures in oracle_daily.venue_days(made.log, made.zones).items():
        begins = datetime.combine(day, datetime.min.time(), clock)
        if own == venue and start <= begins < end:
            counts[name(day)].update({key: figures.get(key, 0) for key in COUNTS})
            if currency:
                money[name(day), currency].update({key: figures.get(key, 0) for key in MONEY})
    sums = {key: tuple(figures[one] for one in MONEY) for key, figures in money.items()}
    return counts, {key: own for key, own in sums.items() if any(own)}


def money_of(figures):
    amounts = (figures.gross, figures.refunds, figures.fees)
    return (*(money.amount_minor for money in amounts), figures.order_count, figures.ticket_count)


@pytest.mark.parametrize("granularity", ["day", "week", "month"])
async def test_every_period_is_there_and_equals_the_naive_count(metrics_process, made, granularity):
    chance = random.Random(granularity)
    start = datetime(2026, 3, 4, chance.randrange(24), 30, tzinfo=UTC)
    end = datetime(2026, 11, 3, chance.randrange(24), tzinfo=UTC)

    async with metrics_process.client(made.tenant_id) as client:
        answer = await performance(client, start, end, granularity)

    assert answer.granularity == granularity
    assert {UUID(one.venue_id) for one in answer.venues} == set(made.zones)
    for one in answer.venues:
        counts, money = naive(made, UUID(one.venue_id), start, end, granularity)
        assert one.time_zone == made.zones[UUID(one.venue_id)]
        names = [date.fromisoformat(period.start_date) for period in one.periods]
        steps = {after - before for before, after in pairwise(names)}
        assert steps <= {
            timedelta(days=n) for n in {"day": [1], "week": [7], "month": [28, 30, 31]}[granularity]
        }
        assert set(counts) <= set(names)
        totals = Counter()
        for name, period in zip(names, one.periods, strict=True):
            assert {key: getattr(period, key) for key in COUNTS} == {key: counts[name][key] for key in COUNTS}
            own = {figures.currency: money_of(figures) for figures in period.figures}
            assert own == {currency: sums for (of, currency), sums in money.items() if of == name}
            for currency, sums in own.items():
                totals.update({(currency, at): number for at, number in enumerate(sums)})
        assert {figures.currency: money_of(figures) for figures in one.totals} == {
            currency: tuple(totals[currency, at] for at in range(5)) for currency in ("EUR", "USD")
        }


async def test_a_published_sale_is_there_at_once_and_as_of_tells_its_refund(metrics_process, handler):
    tenant, venue, order = uuid4(), uuid4(), uuid4()
    sold_at = datetime(2026, 5, 31, 22, 30, tzinfo=UTC)
    window = (datetime(2026, 5, 31, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC))
    await handler([Delivery(make.venue_updated(tenant, venue, name="Hall"), 1)])
    async with metrics_process.client(tenant) as client:
        before = await performance(client, *window)

        await handler([Delivery(make.order_completed(tenant, venue, order, at=sold_at), 1)])
        refunded_at = sold_at + timedelta(days=30)
        refund = make.order_refunded(tenant, venue, order, amount=400, at=refunded_at)
        await handler([Delivery(refund, 1)])

        async def days():
            (one,) = (await performance(client, *window)).venues or [performance_pb2.VenuePerformance()]
            return {
                period.start_date: [figures.refunds.amount_minor for figures in period.figures]
                for period in one.periods
            }

        assert await eventually_equal(days, {"2026-06-01": [400], "2026-06-02": []})
        answer = await performance(client, *window)
    assert (list(before.venues), before.HasField("as_of")) == ([], False)
    assert answer.as_of.ToDatetime(tzinfo=UTC) == refunded_at


async def test_shows_count_on_the_local_day_they_begin_and_cancelled_ones_do_not(metrics_process, handler):
    tenant, venue, gone = uuid4(), uuid4(), uuid4()
    late = datetime(2026, 6, 1, 22, 30, tzinfo=UTC)
    shows = [
        make.venue_updated(tenant, venue),
        make.event_created(tenant, venue, uuid4(), starts_at=late),
        make.event_created(tenant, venue, uuid4(), starts_at=late - timedelta(hours=1)),
        make.event_created(tenant, venue, gone, starts_at=late),
        make.event_cancelled(tenant, venue, gone),
    ]
    await handler([Delivery(event, 1) for event in shows])

    async with metrics_process.client(tenant) as client:
        answer = await performance(client, late - timedelta(days=2), late + timedelta(days=1), venue=venue)

    (one,) = answer.venues
    assert [(period.start_date, period.event_count) for period in one.periods] == [
        ("2026-06-01", 1),
        ("2026-06-02", 1),
        ("2026-06-03", 0),
    ]


async def test_a_day_begins_at_the_turn_of_the_clock_that_skips_midnight(metrics_process, handler):
    tenant, venue = uuid4(), uuid4()
    begins = datetime(2026, 3, 8, 5, tzinfo=UTC)  # in Havana clocks went from 00:00 to 01:00
    await handler([Delivery(make.venue_updated(tenant, venue, time_zone="America/Havana"), 1)])
    await handler([Delivery(page_viewed(tenant, venue, "s", at=begins), 1)])

    async with metrics_process.client(tenant) as client:
        inside = await performance(client, begins, begins + timedelta(hours=1))
        beside = await performance(client, begins + timedelta(microseconds=1), begins + timedelta(hours=22))

    assert [period.start_date for one in inside.venues for period in one.periods] == ["2026-03-08"]
    assert list(beside.venues) == []


async def test_what_was_taken_back_leaves_no_venue_behind(metrics_process, handler):
    tenant, venue, order = uuid4(), uuid4(), uuid4()
    at = datetime(2026, 6, 1, 12, tzinfo=UTC)
    await handler([Delivery(make.order_completed(tenant, venue, order, at=at), 1)])
    await handler([Delivery(make.order_cancelled(tenant, venue, order, at=at), 1)])

    async with metrics_process.client(tenant) as client:
        answer = await performance(client, at - timedelta(days=3), at)

    assert list(answer.venues) == []


async def test_a_grant_limits_the_venues_and_hides_the_others(metrics_process, made):
    granted, other, _ = made.zones
    window = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC))

    async with metrics_process.client(made.tenant_id, venue_ids=[granted]) as client:
        answer = await performance(client, *window, "month")
        refusal = await refused(performance(client, *window, "month", other))

    assert [UUID(one.venue_id) for one in answer.venues] == [granted]
    assert refusal == ("NOT_FOUND", "VENUE_NOT_FOUND")


async def test_another_tenant_gets_nothing_of_ours(metrics_process, made):
    window = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC))

    async with metrics_process.client(uuid4()) as client:
        answer = await performance(client, *window, "month")
        refusal = await refused(performance(client, *window, "month", next(iter(made.zones))))

    assert list(answer.venues) == []
    assert refusal == ("NOT_FOUND", "VENUE_NOT_FOUND")


async def test_periods_of_all_venues_together_have_a_limit(metrics_process, made):
    end = datetime(2026, 11, 10, tzinfo=UTC)
    venue = next(iter(made.zones))
    async with metrics_process.client(made.tenant_id) as client:
        too_many = await refused(performance(client, end - timedelta(days=700), end))
        weeks = await performance(client, end - timedelta(days=700), end, "week")
        one = await performance(client, end - timedelta(days=2000), end, "day", venue)
        one_more = await refused(performance(client, end - timedelta(days=2001), end, "day", venue))
        ages = await refused(performance(client, datetime(1, 1, 2, tzinfo=UTC), end, "month", venue))

    assert too_many == one_more == ages == ("INVALID_ARGUMENT", "WINDOW_TOO_WIDE")
    assert len(weeks.venues) == 3
    assert len(one.venues[0].periods) == 2000


async def test_bad_fields_are_named(metrics_process):
    start = datetime(2026, 3, 1, tzinfo=UTC)
    async with metrics_process.client(uuid4()) as client:
        empty = await bad_fields(performance(client, start, start))
        hourly = await bad_fields(performance(client, start, start + timedelta(days=1), "hour"))
        no_id = await bad_fields(performance(client, start, start + timedelta(days=1), "", "hall"))
        edge = await performance(
            client, datetime(9999, 12, 30, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)
        )

    assert empty == ["endDate"]
    assert hourly == ["granularity"]
    assert no_id == ["venueId"]
    assert list(edge.venues) == []


async def test_reading_needs_the_permission(metrics_process):
    start = datetime(2026, 3, 1, tzinfo=UTC)
    async with metrics_process.client(uuid4(), permissions=["analytics.write"]) as client:
        refusal = await refused(performance(client, start, start + timedelta(days=1)))

    assert refusal[0] == "PERMISSION_DENIED"
