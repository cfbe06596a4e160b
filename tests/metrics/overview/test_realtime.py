"""Today so far, recounted from a log of events; each moment is the test's choice."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from libs.common.context import TenantScope
from tests.metrics.read_models.test_read_models import deliver
from tests.platform import events as make

SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
TURNS = [
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Asia/Kathmandu", "2026-03-29"),
]
# Moments of the day: each kind of hour of a turned clock, and midnight.
TIMES = [(0, 0), (0, 20), (1, 30), (2, 30), (3, 10), (14, 0), (23, 59)]


class Days:
    """An order, a visit and a scan every 10 minutes, around a turn of the clock and the weeks beside it."""

    def __init__(self, clock: ZoneInfo, turn: datetime) -> None:
        self.clock, self.tenant, self.venue, self.show = clock, uuid4(), uuid4(), uuid4()
        middle = turn.replace(tzinfo=clock, hour=12).astimezone(UTC)
        self.moments = [
            middle + away + step * 10 * MINUTE + 7 * SECOND
            for away in (-7 * DAY, timedelta(0), 7 * DAY)
            for step in range(-90, 90)
        ]
        self.events = [make.venue_updated(self.tenant, self.venue, time_zone=clock.key)]
        for number, at in enumerate(self.moments):
            session = f"s{number}"
            buyer = session if number % 3 else ""
            about = (self.tenant, self.venue)
            self.events += [
                make.page_viewed(*about, session, at=at),
                make.ticket_scanned(*about, show=self.show, at=at),
            ]
            self.events.append(make.order_completed(*about, lines=[(2, number)], session_id=buyer, at=at))

    def until(self, day, now):
        """Numbers of a local day's moments: of today until now, of another until its clock passed now."""
        limit = now.astimezone(self.clock)
        of_day = [
            (number, at) for number, at in enumerate(self.moments) if at.astimezone(self.clock).date() == day
        ]
        if day == limit.date():
            return [number for number, at in of_day if at <= now]
        passed = takewhile(lambda one: one[1].astimezone(self.clock).time() <= limit.time(), of_day)
        return [number for number, _ in passed]


@pytest.mark.parametrize(("name", "turn"), TURNS)
async def test_days_around_a_turn_of_the_clock(realtime_at, handler, name, turn):
    clock, turn = ZoneInfo(name), datetime.fromisoformat(turn)
    days = Days(clock, turn)
    await deliver(handler, days.events, 5)
    scope = TenantScope(days.tenant)

    for day in (turn, turn + 7 * DAY):
        for hour, minute in TIMES:
            for fold in (0, 1):
                now = day.replace(hour=hour, minute=minute, tzinfo=clock, fold=fold).astimezone(UTC)
                today = now.astimezone(clock).date()

                found = await realtime_at(now).summary(scope, days.venue, clock)

                current, previous = days.until(today, now), days.until(today - 7 * DAY, now)
                assert (found.orders.current, found.orders.previous) == (len(current), len(previous))
                assert (found.tickets.current, found.tickets.previous) == (
                    2 * len(current),
                    2 * len(previous),
                )
                assert (found.scans.current, found.scans.previous) == (len(current), len(previous))
                visitors = found.traffic.visitors
                assert (visitors.current, visitors.previous) == (len(current), len(previous))
                net = [(one.current_minor, one.previous_minor) for one in found.net_revenue]
                assert net == ([(2 * sum(current), 2 * sum(previous))] if current or previous else [])
                if current:
                    buyers = sum(number % 3 > 0 for number in current)
                    assert found.traffic.conversion.current == buyers / len(current)
                lately = [at for at in days.moments if now - HOUR <= at <= now]
                assert found.orders_last_hour_count == len(lately)
                seen = [days.moments[number] for number in (*current, *previous)]
                assert found.as_of == max([*seen, *lately], default=None)


@pytest.fixture
async def evening(handler):
    """Two venues in two currencies at 20:00 UTC of a Sunday, and the Sunday before."""
    tenant, hall, club = (uuid4() for _ in range(3))
    shows = {name: uuid4() for name in ("tonight", "late", "doors", "cancelled", "club", "tomorrow")}
    stalls, order, cancelled = uuid4(), uuid4(), uuid4()
    now = datetime(2026, 5, 17, 20, tzinfo=UTC)
    last_week = now - 7 * DAY
    ahead = now + 2 * HOUR
    await deliver(
        handler,
        [
            make.venue_updated(tenant, hall, time_zone="Europe/Berlin"),
            make.venue_updated(tenant, club, time_zone="America/New_York"),
            make.event_created(tenant, hall, shows["tonight"], name="Tonight", starts_at=ahead - HOUR),
            make.ticket_type_updated(tenant, hall, shows["tonight"], stalls, capacity=10, held=1),
            # In Berlin the day ends at 22:00 UTC: this one begins on the next.
            make.event_created(tenant, hall, shows["late"], name="Late", starts_at=ahead + MINUTE),
            make.event_created(
                tenant, hall, shows["doors"], name="Doors", starts_at=ahead + HOUR, doors_at=ahead - MINUTE
            ),
            make.event_created(tenant, hall, shows["cancelled"], starts_at=ahead - HOUR),
            make.event_cancelled(tenant, hall, shows["cancelled"]),
            make.event_created(tenant, club, shows["club"], name="Club", starts_at=ahead + HOUR),
            make.event_created(tenant, club, shows["tomorrow"], starts_at=ahead + 20 * HOUR),
            make.order_completed(
                tenant, hall, order, lines=[(3, 1_000, stalls, shows["tonight"])], fees=90, at=now
            ),
            make.order_refunded(tenant, hall, order, amount=1_000, lines=[(1, stalls, shows["tonight"])]),
            make.order_completed(tenant, hall, cancelled, at=now - MINUTE),
            make.order_cancelled(tenant, hall, cancelled, at=now),
            make.order_completed(tenant, hall, lines=[(1, 500)], at=last_week),
            make.order_completed(tenant, hall, lines=[(1, 9_999)], at=last_week + SECOND),
            make.order_completed(tenant, club, currency="USD", lines=[(2, 250)], at=now - HOUR),
            make.order_completed(tenant, club, currency="USD", lines=[(2, 250)], at=now - HOUR - SECOND),
            make.order_completed(tenant, club, lines=[(1, 100)], at=now + SECOND),
            make.page_viewed(tenant, hall, "a", at=now - MINUTE),
            make.page_viewed(tenant, club, "a", at=now - 2 * MINUTE),
            make.page_viewed(tenant, club, "b", at=now - 3 * MINUTE),
            make.page_viewed(tenant, club, "c", at=now - 6 * MINUTE),
        ],
        4,
    )
    return tenant, hall, club, shows, now


async def test_everything_of_the_tenant_by_utc(realtime_at, evening):
    tenant, _, _, shows, now = evening

    found = await realtime_at(now).summary(TenantScope(tenant), None, ZoneInfo("UTC"))

    assert (found.orders.current, found.orders.previous, found.orders.change_ratio) == (3, 1, 2.0)
    assert (found.tickets.current, found.tickets.previous) == (7, 1)
    eur, usd = found.net_revenue
    assert (eur.currency, eur.current_minor, eur.previous_minor) == ("EUR", 3_000 - 1_000 - 90, 500)
    assert (usd.currency, usd.current_minor, usd.previous_minor) == ("USD", 1_000, 0)
    assert (eur.change_ratio, usd.change_ratio) == ((1_910 - 500) / 500, None)
    assert found.orders_last_hour_count == 2
    assert (found.active_session_count, found.traffic.visitors.current) == (2, 3)
    assert [one.name for one in found.shows.events] == ["Tonight", "Doors", "Late", "Club"]
    assert found.shows.total_count == 4
    assert found.shows.events[0].event_id == shows["tonight"]
    seats = found.shows.events[0].seats
    assert (seats.total, seats.held, seats.sold, seats.available) == (10, 1, 2, 7)
    assert found.as_of == now


async def test_a_venue_by_its_own_day(realtime_at, evening):
    tenant, hall, club, _, now = evening
    berlin, new_york = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")

    of_hall = await realtime_at(now).summary(TenantScope(tenant), hall, berlin)
    of_club = await realtime_at(now).summary(TenantScope(tenant), club, new_york)

    assert [one.name for one in of_hall.shows.events] == ["Tonight", "Doors"]
    assert [one.name for one in of_club.shows.events] == ["Club"]
    assert (of_hall.orders.current, of_club.orders.current) == (1, 2)
    assert (of_hall.active_session_count, of_club.active_session_count) == (1, 2)
    assert of_hall.windows.current.start == now - 22 * HOUR


async def test_a_grant_limits_the_whole_tenant(realtime_at, evening):
    tenant, _, club, _, now = evening

    found = await realtime_at(now).summary(TenantScope(tenant, frozenset({club})), None, ZoneInfo("UTC"))

    assert found.orders.current == 2
    assert [one.currency for one in found.net_revenue] == ["USD"]
    assert [one.name for one in found.shows.events] == ["Club"]
    assert (found.active_session_count, found.traffic.visitors.current) == (2, 3)
    stranger = await realtime_at(now).summary(TenantScope(uuid4()), None, ZoneInfo("UTC"))
    assert (stranger.orders.current, stranger.shows.total_count, stranger.as_of) == (0, 0, None)


async def test_a_tenant_without_anything(realtime_at):
    now = datetime(2026, 5, 17, 20, tzinfo=UTC)

    found = await realtime_at(now).summary(TenantScope(uuid4()), None, ZoneInfo("UTC"))

    for count in (found.orders, found.tickets, found.scans, found.traffic.visitors):
        assert (count.current, count.previous, count.change_ratio) == (0, 0, None)
    conversion = found.traffic.conversion
    assert (conversion.current, conversion.previous, conversion.difference) == (None, None, None)
    assert (found.net_revenue, found.shows.events, found.as_of) == ((), (), None)
    assert (found.orders_last_hour_count, found.active_session_count) == (0, 0)


async def test_no_more_than_a_hundred_shows_are_listed_and_all_are_counted(realtime_at, handler):
    tenant, venue = uuid4(), uuid4()
    midnight = datetime(2026, 5, 17, tzinfo=UTC)
    starts = [midnight + number * 10 * MINUTE for number in range(-1, 145)]
    await deliver(handler, [make.event_created(tenant, venue, uuid4(), starts_at=at) for at in starts], 6)

    found = await realtime_at(midnight + HOUR).summary(TenantScope(tenant), None, ZoneInfo("UTC"))

    assert [one.starts_at for one in found.shows.events] == starts[1:101]
    assert found.shows.total_count == 144
