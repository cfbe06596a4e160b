"""Figures of shows that can be counted by hand."""

from datetime import timedelta
from uuid import uuid4

import pytest
from tickettoken.metrics.v1.performance_pb2 import GetEventPerformanceRequest

from libs.common.buckets import Window, WindowTooWide
from libs.common.context import TenantScope
from libs.common.errors import InvalidField
from services.metrics.errors import EventNotFound
from services.metrics.performance.questions import PerformanceQuestion, question_of
from services.metrics.performance.sales import Age
from tests.metrics.performance.conftest import DAY
from tests.platform import events as make
from tests.platform.events import NOON

MICROSECOND = timedelta(microseconds=1)
COMING = Window(NOON, NOON + 90 * DAY)


async def only(performance, scope, show, *, venue_id=None, now=NOON):
    (one,) = await performance.report(scope, PerformanceQuestion(show, venue_id), now)
    return one


async def test_sales_of_the_last_hour_day_and_week_are_exact_and_keep_returned_tickets(
    season, told, performance
):
    show = season.show(NOON + 10 * DAY)
    for tickets, ago in (
        (1, timedelta(hours=1)),
        (2, timedelta(hours=1) + MICROSECOND),
        (4, DAY),
        (8, DAY + MICROSECOND),
        (16, 7 * DAY),
        (32, 7 * DAY + MICROSECOND),
    ):
        season.sell(show, NOON - ago, tickets)
    season.sell(show, NOON - MICROSECOND, 64, 60)
    season.sell(show, NOON, 128)
    voided = season.sell(show, NOON - timedelta(minutes=5), 256)
    season.log.append(make.order_cancelled(season.tenant_id, season.venue, voided, at=NOON))
    await told(season)

    one = await only(performance, season.scope, show)

    assert [one.sales.sold_since(age) for age in (Age.HOUR, Age.DAY, Age.WEEK)] == [65, 71, 95]
    assert one.seats.sold == 255 - 60
    assert one.sales.refunded_ticket_count == 60
    assert one.newest_fact_at == NOON + DAY - MICROSECOND


async def test_average_prices_are_gross_over_tickets_of_each_currency(season, told, performance):
    show, other = season.show(NOON + 10 * DAY), season.show(NOON + 10 * DAY)
    order = uuid4()
    season.log += [
        make.order_completed(
            season.tenant_id,
            season.venue,
            order,
            lines=[(2, 1_000, None, show), (1, 3_000, None, other)],
            fees=500,
            gross=4_000,
        ),
        make.order_refunded(season.tenant_id, season.venue, order, amount=800, lines=[(1, None, show)]),
        make.order_completed(season.tenant_id, season.venue, lines=[(3, 1_000, None, show)], currency="USD"),
        make.order_completed(
            season.tenant_id, season.venue, lines=[(2, 0, None, show)], currency="USD", gross=5
        ),
        make.order_completed(season.tenant_id, season.venue, lines=[(2, 0, None, show)], currency="CHF"),
    ]
    await told(season)

    one = await only(performance, season.scope, show)

    assert one.sales.average_prices == {"CHF": 0, "EUR": 800, "USD": 601}
    assert [(each.currency, each.order_count, each.gross_minor) for each in one.sales.figures] == [
        ("CHF", 1, 0),
        ("EUR", 1, 1_600),
        ("USD", 2, 3_005),
    ]


async def test_doors_and_resales(season, told, performance):
    show, quiet = season.show(NOON + DAY, [(4, 5)]), season.show(NOON + DAY)
    tenant, venue, seen = season.tenant_id, season.venue, uuid4()
    season.log += [
        make.ticket_scanned(tenant, venue, seen, show=show, at=NOON + DAY),
        make.ticket_scanned(tenant, venue, seen, show=show, result="readmitted", at=NOON + 2 * DAY),
        make.ticket_scanned(tenant, venue, show=show, result="refused"),
        make.ticket_scanned(tenant, venue, show=quiet),
        make.ticket_resold(tenant, venue, show=show, price=3_000, face_value=2_000),
        make.ticket_resold(tenant, venue, show=show, price=5_000, face_value=2_000),
        make.ticket_resold(tenant, venue, show=show, price=9_000),
    ]
    await told(season)

    one, other = (
        await only(performance, season.scope, show),
        await only(performance, season.scope, quiet),
    )

    assert (one.tickets.admitted_count, one.scan_ratio) == (1, 0.25)
    assert (one.market.resale_count, one.market.median_price_ratio) == (3, 2.0)
    assert (other.tickets.admitted_count, other.scan_ratio, other.market) == (1, None, None)


async def test_tickets_sold_by_type_alone_are_seats_of_its_show(season, told, performance, paces):
    show, stalls = season.show(NOON + 10 * DAY, [(3, 20)], capacity=None), uuid4()
    season.log += [
        make.ticket_type_updated(season.tenant_id, season.venue, show, stalls, capacity=10),
        make.order_completed(season.tenant_id, season.venue, lines=[(2, 100, stalls)], at=NOON - DAY),
    ]
    await told(season)

    one = await only(performance, season.scope, show)

    assert (one.seats.sold, one.seats.utilisation, one.pacing.sell_through) == (5, 0.5, 0.5)
    assert [each.ticket_count for each in one.sales.figures] == [3]


async def test_a_show_of_which_only_a_sale_told(season, told, performance):
    show = uuid4()
    season.sell(show, NOON - timedelta(minutes=1), 5)
    await told(season)

    one = await only(performance, season.scope, show)

    assert (one.show.name, one.show.starts_at, one.show.cancelled) == ("", None, False)
    assert (one.seats.total, one.seats.sold, one.seats.utilisation, one.pacing) == (None, 5, None, None)


async def test_shows_begin_within_the_window_and_cancelled_ones_are_told(season, told, performance):
    season.show(NOON - MICROSECOND)
    second = season.show(NOON + 90 * DAY - MICROSECOND)
    first = season.show(NOON)
    season.show(NOON + 90 * DAY)
    season.log.append(make.event_cancelled(season.tenant_id, season.venue, second, at=NOON))
    await told(season)

    found = await performance.report(season.scope, PerformanceQuestion(COMING, None), NOON)

    assert [(one.show.event_id, one.show.cancelled) for one in found] == [(first, False), (second, True)]
    assert found[1].pacing is None


async def test_shows_of_others_are_not_found(season, told, performance):
    other_venue = uuid4()
    season.log.append(make.venue_updated(season.tenant_id, other_venue))
    show, there = season.show(NOON), season.show(NOON, venue=other_venue)
    await told(season)
    narrow = TenantScope(season.tenant_id, frozenset({other_venue}))

    both = await performance.report(season.scope, PerformanceQuestion(COMING, None), NOON)
    granted = await performance.report(narrow, PerformanceQuestion(COMING, None), NOON)
    of_venue = await performance.report(season.scope, PerformanceQuestion(COMING, season.venue), NOON)
    of_stranger = await performance.report(TenantScope(uuid4()), PerformanceQuestion(COMING, None), NOON)

    assert {one.show.event_id for one in both} == {show, there}
    assert [one.show.event_id for one in granted] == [there]
    assert [one.show.event_id for one in of_venue] == [show]
    assert of_stranger == []
    for scope, venue_id in ((narrow, None), (TenantScope(uuid4()), None), (season.scope, other_venue)):
        with pytest.raises(EventNotFound):
            await only(performance, scope, show, venue_id=venue_id)


async def test_at_most_500_shows_in_as_many_statements_as_for_one(season, told, performance, database):
    for number in range(1, 8):
        season.past(number, 10)
    shows = [season.show(NOON + number * timedelta(hours=1), [(5, 20)]) for number in range(501)]
    await told(season)

    counts = []
    for end in (NOON + MICROSECOND, NOON + timedelta(hours=499) + MICROSECOND):
        async with database.transaction(season.scope) as conn:
            asked = []
            conn.add_query_logger(asked.append)
            found = await performance.report(season.scope, PerformanceQuestion(Window(NOON, end), None), NOON)
            conn.remove_query_logger(asked.append)
        counts.append((len(found), len(asked)))
    with pytest.raises(WindowTooWide):
        await performance.report(season.scope, PerformanceQuestion(COMING, None), NOON)

    assert [one.show.event_id for one in found] == shows[:500]
    assert [count for count, _ in counts] == [1, 500]
    assert 5 < counts[0][1] == counts[1][1] <= 12
    assert all(one.pacing.rank.percentile is not None for one in found[1:])


def test_the_question_defaults_to_the_coming_90_days():
    venue, show = uuid4(), uuid4()

    assert question_of(GetEventPerformanceRequest(), NOON) == PerformanceQuestion(COMING, None)
    asked = GetEventPerformanceRequest(venue_id=str(venue))
    asked.start_date.FromDatetime(NOON - DAY)
    assert question_of(asked, NOON) == PerformanceQuestion(Window(NOON - DAY, NOON + 89 * DAY), venue)
    asked.end_date.FromDatetime(NOON)
    assert question_of(asked, NOON) == PerformanceQuestion(Window(NOON - DAY, NOON), venue)
    asked.event_id = str(show)
    assert question_of(asked, NOON) == PerformanceQuestion(show, venue)


def test_windows_that_cannot_be_are_refused():
    over, at_the_end_of_time = GetEventPerformanceRequest(), GetEventPerformanceRequest()
    over.end_date.FromDatetime(NOON)
    at_the_end_of_time.start_date.FromJsonString("9999-12-01T00:00:00Z")

    for request in (over, at_the_end_of_time):
        with pytest.raises(InvalidField):
            question_of(request, NOON)
