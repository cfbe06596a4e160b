"""How shows sell and whether sales rise, as the service answers it and as a naive count has it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import mean, median
from zoneinfo import ZoneInfo

import pytest
from tickettoken.metrics.v1 import performance_pb2, sales_pb2

from tests.metrics.season import naive
from tests.metrics.season.questions import ZONES, figures, timed, windows

DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def books(season):
    return naive.sold(season)


async def ask(client, **fields):
    """The answer, and an instant shortly before and after which it was made."""
    before = datetime.now(UTC)
    answer = await client.analytics.GetEventPerformance(
        performance_pb2.GetEventPerformanceRequest(**fields), metadata=client.metadata
    )
    return answer, before, datetime.now(UTC)


async def whole(season, client, **fields):
    request = timed(
        performance_pb2.GetEventPerformanceRequest(**fields),
        season.now - 420 * DAY,
        season.now + 420 * DAY,
    )
    return await client.analytics.GetEventPerformance(request, metadata=client.metadata)


async def test_every_figure_of_every_show(season, books, client):
    answer = await whole(season, client)

    admitted = Counter(show for _, _, show in naive.admissions(season))
    shows = sorted(season.shows.values(), key=lambda show: (show.starts_at, show.id))
    assert [one.event_id for one in answer.events] == [str(show.id) for show in shows]
    for one, show in zip(answer.events, shows, strict=True):
        own = [line for line in books if line.show_id == show.id]
        sold = sum(line.tickets - line.returned for line in own)
        resold = [resale for resale in season.resales if resale.show_id == show.id]
        ratios = [resale.price / resale.face for resale in resold if resale.face]
        assert (one.event_name, one.venue_id, one.cancelled) == (show.name, str(show.venue_id), False)
        assert one.starts_at.ToDatetime(UTC) == show.starts_at
        assert (one.capacity_count, one.sold_count) == (show.capacity, sold)
        assert one.sell_through_ratio == sold / show.capacity
        assert figures(one.figures) == naive.revenue(own)
        assert {price.currency: price.amount_minor for price in one.average_ticket_prices} == {
            currency: round(gross / tickets)
            for currency, (_, tickets, gross, *_) in naive.revenue(own).items()
        }
        assert one.refunded_ticket_count == sum(line.returned for line in own)
        assert one.scanned_count == admitted[show.id]
        assert one.HasField("scan_ratio") == bool(admitted[show.id])
        if admitted[show.id]:
            assert one.scan_ratio == admitted[show.id] / sold
        assert one.resale_count == len(resold)
        assert one.HasField("resale_price_ratio") == bool(ratios)
        if ratios:
            assert one.resale_price_ratio == pytest.approx(median(ratios))


async def test_shows_of_a_window_of_a_venue_and_alone(season, client):
    venue = season.venues[1]
    start, end = season.now - 100 * DAY, season.now - 7 * DAY
    request = timed(performance_pb2.GetEventPerformanceRequest(venue_id=str(venue.id)), start, end)
    of_venue = await client.analytics.GetEventPerformance(request, metadata=client.metadata)
    coming, before, after = await ask(client)
    old = min(season.shows.values(), key=lambda show: show.starts_at)
    (alone,) = (await ask(client, event_id=str(old.id)))[0].events

    assert [one.event_id for one in of_venue.events] == [
        str(show.id)
        for show in sorted(season.shows.values(), key=lambda show: show.starts_at)
        if show.venue_id == venue.id and start <= show.starts_at < end
    ]
    assert {
        str(show.id) for show in season.shows.values() if after <= show.starts_at < before + 90 * DAY
    } == {one.event_id for one in coming.events}
    assert alone.event_id == str(old.id)


async def test_what_was_sold_lately(season, books, client):
    answer, before, after = await ask(client)

    for one in answer.events:
        own = [line for line in books if str(line.show_id) == one.event_id]
        for found, age in (
            (one.sold_last_hour_count, timedelta(hours=1)),
            (one.sold_last_day_count, DAY),
            (one.sold_last_week_count, 7 * DAY),
        ):
            # The answer may be as old as its minute.
            possible = {
                sum(line.tickets for line in own if line.order.sold_at >= edge)
                for edge in edges_of(own, before - timedelta(minutes=1) - age, after - age)
            }
            assert found in possible


def edges_of(lines, earliest, latest):
    """Every instant between two at which a count of younger sales may be taken with another result."""
    between = [line.order.sold_at for line in lines if earliest <= line.order.sold_at < latest]
    return [earliest, *(at + timedelta(microseconds=1) for at in between), latest]


async def test_pacing_of_every_show(season, books, client):
    answer = await whole(season, client)

    zones = {venue.id: ZoneInfo(venue.time_zone) for venue in season.venues}
    own = {show: [line for line in books if line.show_id == show] for show in season.shows}
    compared = 0
    for one in answer.events:
        show = season.shows[next(id_ for id_ in season.shows if str(id_) == one.event_id)]
        now = show.doors_at - timedelta(microseconds=round(one.pacing.days_before_doors * 86_400 * 10**6))
        assert abs(now - datetime.now(UTC)) < timedelta(minutes=2)
        found = [(naive_id(other), other.similarities) for other in one.pacing.comparables]
        expected = comparables(season, own, zones, show, now)
        assert [(str(other.id), alike) for other, alike, _ in expected] == [
            (id_, tuple(alike)) for id_, alike in found
        ]
        parts = [part for _, _, part in expected]
        assert [other.sell_through_ratio for other in one.pacing.comparables] == parts
        assert [other.final_sell_through_ratio for other in one.pacing.comparables] == [
            kept(own[other.id], season.now + DAY) / other.capacity for other, _, _ in expected
        ]
        assert one.pacing.HasField("percentile") == (len(parts) >= 5)
        if len(parts) >= 5:
            compared += 1
            part = kept(own[show.id], now) / show.capacity
            assert one.pacing.percentile == mean(other < part for other in parts)
            assert one.pacing.median_comparable_ratio == pytest.approx(median(parts))
    assert compared > len(season.shows) / 2


def naive_id(comparable):
    return comparable.event_id


def kept(lines, until):
    return sum(line.tickets - line.returned for line in lines if line.order.sold_at < until)


def comparables(season, own, zones, show, now):
    """The past shows to compare with: show, what is alike, part sold by then."""
    found = []
    price = median(kind.price for kind in show.types)
    currency = {venue.id: venue.currency for venue in season.venues}
    for other in season.shows.values():
        until = other.doors_at - (show.doors_at - now)
        began = min([other.on_sale_at, *(line.order.sold_at for line in own[other.id])])
        its_price = median(kind.price for kind in other.types)
        alike = {
            "venue": other.venue_id == show.venue_id,
            "weekday": other.starts_at.astimezone(zones[other.venue_id]).weekday()
            == show.starts_at.astimezone(zones[show.venue_id]).weekday(),
            "genre": other.genre == show.genre,
            "price_band": currency[other.venue_id] == currency[show.venue_id]
            and abs(its_price - price) <= price / 4,
            "capacity": abs(other.capacity - show.capacity) <= show.capacity / 4,
        }
        names = tuple(name for name, is_alike in alike.items() if is_alike)
        past = other.doors_at <= now and began <= until <= now
        on_sale = min([show.on_sale_at, *(line.order.sold_at for line in own[show.id])]) <= now
        if other is not show and past and on_sale and len(names) >= 2:
            found.append((other, names, kept(own[other.id], until) / other.capacity))
    found.sort(key=lambda one: one[0].id)
    found.sort(key=lambda one: one[0].doors_at, reverse=True)
    found.sort(key=lambda one: len(one[1]), reverse=True)
    return found[:20]


@pytest.mark.parametrize("time_zone", ZONES)
@pytest.mark.parametrize("unit", ["hour", "day", "week", "month"])
async def test_points_of_sales_trends(season, books, client, time_zone, unit):
    clock = ZoneInfo(time_zone)
    for start, end in windows(season, clock)[1 if unit == "hour" else 0 :]:
        request = sales_pb2.GetSalesTrendsRequest(granularity=unit, time_zone=time_zone)
        answer = await client.analytics.GetSalesTrends(timed(request, start, end), metadata=client.metadata)

        starts, of = whole_periods(books, unit, clock, start, end)
        by_name = {(one.measure, one.currency): one for one in answer.trends}
        currencies = {line.order.currency for lines in of.values() for line in lines}
        assert [*by_name] == [
            ("order_count", ""),
            ("ticket_count", ""),
            *(("net_revenue", currency) for currency in sorted(currencies)),
        ]
        for (measure, currency), one in by_name.items():
            found = [
                (naive.bucket(point.start_time.ToDatetime(UTC), unit, clock), point.value)
                for point in one.points
            ]
            assert found == [(key, value(of[key], measure, currency)) for key in starts]
            assert one.trend.period_count == len(starts)
        if starts:
            assert start <= answer.window.start_time.ToDatetime(UTC)
            assert answer.window.end_time.ToDatetime(UTC) <= end
            naive_starts = [naive.bucket(answer.window.start_time.ToDatetime(UTC), unit, clock)]
            assert naive_starts == starts[:1]
        assert answer.HasField("window") == bool(starts)


def whole_periods(books, unit, clock, start, end):
    """Keys of the periods all of whose minutes lie in the window, and the lines of each."""
    minutes, at = Counter(), start.replace(second=0, microsecond=0) - 45 * DAY
    step = timedelta(minutes=15)
    at -= timedelta(minutes=at.minute % 15)
    order = {}
    inside = {}
    while at < end + 45 * DAY:
        key = naive.bucket(at, unit, clock)
        order.setdefault(key, at)
        inside[key] = inside.get(key, True) and start <= at and at + step <= end
        minutes[key] += 1
        at += step
    starts = [key for key in order if inside[key]]
    of = {key: [] for key in starts}
    for line in books:
        key = naive.bucket(line.order.sold_at, unit, clock)
        if key in of:
            of[key].append(line)
    return starts, of


def value(lines, measure, currency):
    if measure == "order_count":
        return len({line.order.id for line in lines})
    if measure == "ticket_count":
        return sum(line.tickets for line in lines)
    return sum(line.net for line in lines if line.order.currency == currency)


async def test_trends_of_one_show_and_one_venue(season, books, client):
    start, end = season.now - 400 * DAY, season.now
    for show in list(season.shows.values())[::9]:
        venue = next(one for one in season.venues if one.id == show.venue_id)
        request = sales_pb2.GetSalesTrendsRequest(
            venue_id=str(venue.id), event_id=str(show.id), granularity="week"
        )
        answer = await client.analytics.GetSalesTrends(timed(request, start, end), metadata=client.metadata)

        own = [line for line in books if line.show_id == show.id]
        clock = ZoneInfo(venue.time_zone)
        starts, of = whole_periods(own, "week", clock, start, end)
        assert (answer.time_zone, answer.granularity) == (venue.time_zone, "week")
        for one in answer.trends:
            assert [point.value for point in one.points] == [
                value(of[key], one.measure, one.currency) for key in starts
            ]
