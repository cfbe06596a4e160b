"""The overview page, recounted from a log of events; each moment is the test's choice."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from libs.common.context import TenantScope
from libs.common.postgres.errors import StatementTimedOut
from services.metrics.customers_port import CustomerCounts
from services.metrics.overview.mapping import dashboard_message
from services.metrics.overview.traffic import Traffic
from services.metrics.overview.windows import GRANULARITIES
from tests.metrics.read_models.test_read_models import deliver
from tests.platform import events as make
from tests.platform.events import NOON

MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("minutes", "hours", "days"))
BERLIN, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")


class Sale(NamedTuple):
    """An order and its session's visit a minute before; `is_known`: the order names the session."""

    at: datetime
    venue: UUID
    show: UUID
    currency: str
    gross: int
    session: str
    is_known: bool
    stands: bool


@pytest.fixture(scope="module")
def half_a_year():
    """Sales of 200 days around the end of March, of which every seventh is voided; and visits of them."""
    chance = Random(8)
    tenant, venue, other = (uuid4() for _ in range(3))
    shows = [uuid4() for _ in range(8)]
    log, sold = [make.venue_updated(tenant, venue)], []
    for number in range(900):
        at = NOON + timedelta(days=chance.uniform(-165, 35), microseconds=chance.randrange(10**6))
        order, place = uuid4(), chance.choice([venue, venue, other])
        show, price, currency = chance.choice(shows), chance.randrange(9_000), chance.choice(["EUR", "USD"])
        session = f"s{number // 2}"
        log.append(make.page_viewed(tenant, place, session, at=at - MINUTE))
        log.append(
            make.order_completed(
                tenant, place, order, lines=[(2, price)], show=show, currency=currency,
                session_id=session if number % 2 else "", at=at,
            )
        )  # fmt: skip
        if number % 7 == 0:
            log.append(make.order_cancelled(tenant, place, order, at=at + MINUTE))
        sold.append(Sale(at, place, show, currency, 2 * price, session, number % 2 > 0, number % 7 > 0))
    return tenant, venue, log, sold


@pytest.fixture(scope="module")
def delivered():
    return set()


def days_of(period, today):
    if period in ("mtd", "ytd"):
        return (today - (today.replace(day=1) if period == "mtd" else date(today.year, 1, 1))).days + 1
    return 1 if period == "today" else int(period[:-1])


@pytest.mark.parametrize("period", GRANULARITIES)
@pytest.mark.parametrize(
    ("clock", "moment"),
    [
        (BERLIN, "2026-03-29T03:30+02:00"),
        (BERLIN, "2026-04-02T15:00+02:00"),
        (UTC_ZONE, "2026-03-31T23:59+00:00"),
        (ZoneInfo("America/New_York"), "2026-03-09T02:30-04:00"),
        (ZoneInfo("Asia/Kathmandu"), "2026-03-31T00:10+05:45"),
    ],
)
async def test_every_period(dashboards_at, handler, half_a_year, delivered, period, clock, moment):
    tenant, venue, log, sold = half_a_year
    if tenant not in delivered:
        await deliver(handler, log, 9)
        delivered.add(tenant)
    now = datetime.fromisoformat(moment)
    today, until = now.date(), now.time()
    days = days_of(period, today)

    def within(at, ago):
        """Whether an instant is of the days that end so many days ago, at the present time of the clock."""
        local = at.astimezone(clock)
        last = today - timedelta(days=ago)
        whole = last - timedelta(days=days) < local.date() < last
        return whole or (local.date() == last and local.time() <= until)

    for place in (None, venue):
        found = await dashboards_at(now).data(TenantScope(tenant), period, place, clock)

        own = [sale for sale in sold if place in (None, sale.venue)]
        current, previous = ([sale for sale in own if within(sale.at, ago)] for ago in (0, days))
        assert (found.orders.current, found.orders.previous) == (count(current), count(previous))
        assert (found.tickets.current, found.tickets.previous) == (2 * count(current), 2 * count(previous))
        assert {one.currency: one.gross_minor for one in found.history.totals} == gross(current)
        assert {one.currency: one.gross_minor for one in found.previous_revenue} == gross(previous)
        assert sum(bucket.order_count for bucket in found.history.buckets) == found.orders.current
        assert nets(found.top) == best(current)
        visited = [{sale.session for sale in own if within(sale.at - MINUTE, ago)} for ago in (0, days)]
        visitors, conversion = found.traffic.visitors, found.traffic.conversion
        assert (visitors.current, visitors.previous) == tuple(map(len, visited))
        assert conversion.current == converted(current, visited[0])
        assert conversion.previous == converted(previous, visited[1])


def count(sales):
    return sum(sale.stands for sale in sales)


def gross(sales):
    sums = Counter()
    for sale in sales:
        if sale.stands:
            sums[sale.currency] += sale.gross
    return sums


def best(sales):
    """The five largest sums of a show, by currency."""
    sums = {}
    for sale in sales:
        if sale.stands:
            of_shows = sums.setdefault(sale.currency, Counter())
            of_shows[sale.show] += sale.gross
    return {currency: sorted(of.values(), reverse=True)[:5] for currency, of in sums.items()}


def nets(top):
    found = {}
    for show in top.shows:
        (figures,) = show.figures
        found.setdefault(figures.currency, []).append(figures.net_minor)
    return found


def converted(sales, visited):
    bought = {sale.session for sale in sales if sale.stands and sale.is_known}
    return len(bought) / len(bought | visited) if bought | visited else None


@pytest.mark.parametrize(
    ("period", "now", "count", "first", "last"),
    [
        # The clock went from 2 to 3, so that 15:30 is in the fifteenth hour of the day.
        ("today", "2026-03-29T15:30+02:00", 15, "2026-03-29T00:00+01:00", "2026-03-29T15:00+02:00"),
        ("7d", "2026-04-02T15:30+02:00", 7, "2026-03-27T00:00+01:00", "2026-04-02T00:00+02:00"),
        ("30d", "2026-04-02T15:30+02:00", 30, "2026-03-04T00:00+01:00", "2026-04-02T00:00+02:00"),
        ("90d", "2026-04-02T15:30+02:00", 90, "2026-01-03T00:00+01:00", "2026-04-02T00:00+02:00"),
        ("mtd", "2026-04-02T15:30+02:00", 2, "2026-04-01T00:00+02:00", "2026-04-02T00:00+02:00"),
        # The year begins on a Thursday, so the first week on the Monday before.
        ("ytd", "2026-04-02T15:30+02:00", 14, "2025-12-29T00:00+01:00", "2026-03-30T00:00+02:00"),
    ],
)
async def test_buckets_of_each_period(dashboards_at, period, now, count, first, last):
    scope = TenantScope(uuid4())

    found = await dashboards_at(datetime.fromisoformat(now)).data(scope, period, None, BERLIN)

    starts = [bucket.start for bucket in found.history.buckets]
    assert (len(starts), starts[0], starts[-1]) == (
        count,
        datetime.fromisoformat(first),
        datetime.fromisoformat(last),
    )


async def test_a_first_week_holds_only_the_year(dashboards_at, handler):
    tenant, venue = uuid4(), uuid4()
    year = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [year - DAY, year, year + DAY]
    await deliver(handler, [make.order_completed(tenant, venue, at=at) for at in moments], 1)

    found = await dashboards_at(year + DAY).data(TenantScope(tenant), "ytd", None, UTC_ZONE)

    assert [(one.start, one.order_count) for one in found.history.buckets] == [(year - 3 * DAY, 2)]
    assert (found.orders.current, found.orders.previous) == (2, 1)


async def test_shows_of_the_next_week_with_their_seats(dashboards_at, handler):
    tenant, venue, other, stalls = (uuid4() for _ in range(4))
    names = ["Under way", "Now", "Soon", "Last", "After", "Cancelled"]
    shows = dict(zip(names, (uuid4() for _ in names), strict=True))
    starts = dict(zip(names, [-MINUTE, 0 * MINUTE, HOUR, 7 * DAY - MINUTE, 7 * DAY, HOUR], strict=True))
    log = [
        make.event_created(
            tenant, other if name == "Last" else venue, show, name=name, starts_at=NOON + starts[name]
        )
        for name, show in shows.items()
    ]
    log += [
        make.event_cancelled(tenant, venue, shows["Cancelled"]),
        make.ticket_type_updated(tenant, venue, shows["Soon"], stalls, capacity=50, held=5),
        make.order_completed(tenant, venue, lines=[(4, 100, stalls, shows["Soon"])], at=NOON - 400 * DAY),
    ]
    await deliver(handler, log, 3)
    page = dashboards_at(NOON)

    found = await page.data(TenantScope(tenant), "7d", None, UTC_ZONE)
    of_venue = await page.data(TenantScope(tenant), "7d", venue, UTC_ZONE)
    granted = await page.data(TenantScope(tenant, frozenset({other})), "7d", None, UTC_ZONE)

    assert [one.name for one in found.upcoming.events] == ["Now", "Soon", "Last"]
    assert found.upcoming.total_count == 3
    seats = found.upcoming.events[1].seats
    assert (seats.total, seats.held, seats.sold, seats.available) == (50, 5, 4, 41)
    assert [one.name for one in of_venue.upcoming.events] == ["Now", "Soon"]
    assert [one.name for one in granted.upcoming.events] == ["Last"]
    assert found.as_of == NOON


async def test_visits_that_are_no_longer_kept_are_not_counted_as_none(dashboards_at, handler):
    tenant, venue = uuid4(), uuid4()
    log = [make.page_viewed(tenant, venue, "s", at=NOON - DAY), make.order_completed(tenant, venue)]
    await deliver(handler, log, 2)
    scope = TenantScope(tenant)

    whole = await dashboards_at(NOON, kept_days=60).data(scope, "30d", None, UTC_ZONE)
    half = await dashboards_at(NOON, kept_days=40).data(scope, "30d", None, UTC_ZONE)
    none = await dashboards_at(NOON, kept_days=20).data(scope, "30d", None, UTC_ZONE)

    assert (whole.traffic.visitors.current, whole.traffic.visitors.previous) == (1, 0)
    message = dashboard_message(half, "day", "UTC")
    assert (message.visitors.current, message.visitors.previous_expired) == (1, True)
    assert not message.visitors.HasField("change_ratio")
    assert not message.conversion.HasField("previous")
    assert message.unavailable_parts == ["customers"]
    message = dashboard_message(none, "day", "UTC")
    assert not message.HasField("visitors")
    assert not message.HasField("conversion")
    assert message.unavailable_parts == ["customers", "visitors", "conversion"]
    assert (message.orders.current, message.orders.previous_expired) == (1, False)


class SlowVisits:
    """Visits of which there are too many to count."""

    async def unique_in(self, *_, **__):
        raise StatementTimedOut("the query took too long")


async def test_too_many_sessions_leave_the_rest_of_the_page(dashboards_at, handler):
    tenant, venue = uuid4(), uuid4()
    await deliver(handler, [make.order_completed(tenant, venue)], 2)
    page = dashboards_at(NOON)
    page._traffic = Traffic(SlowVisits(), kept=timedelta(days=400))

    found = await page.data(TenantScope(tenant), "30d", None, UTC_ZONE)

    message = dashboard_message(found, "day", "UTC")
    assert message.unavailable_parts == ["customers", "visitors", "conversion"]
    assert message.orders.current == 1


class SevenCustomers:
    """A customers service that knows of seven, and what it was asked."""

    async def of(self, scope, window, venue_id):
        self.asked = (scope, window, venue_id)
        return CustomerCounts(active_count=7, new_count=4, returning_count=3)


async def test_customers_are_those_of_the_period(dashboards_at):
    customers, scope, venue = SevenCustomers(), TenantScope(uuid4()), uuid4()

    found = await dashboards_at(NOON, customers=customers).data(scope, "7d", venue, UTC_ZONE)

    assert customers.asked == (scope, found.windows.current, venue)
    message = dashboard_message(found, "day", "UTC")
    assert (message.customers.active_count, message.customers.new_count) == (7, 4)
    assert message.customers.returning_ratio == 3 / 7
    assert message.unavailable_parts == []


async def test_a_tenant_without_anything(dashboards_at):
    found = await dashboards_at(NOON).data(TenantScope(uuid4()), "30d", None, UTC_ZONE)

    message = dashboard_message(found, "day", "UTC")
    parts = (message.revenue, message.previous_revenue, message.top_events, message.upcoming_events)
    assert not any(map(len, parts))
    assert (message.orders.current, message.orders.previous) == (0, 0)
    assert not message.orders.HasField("change_ratio")
    assert not message.conversion.HasField("current")
    assert not message.HasField("as_of")
    assert len(message.sales) == 30
