"""What was sold, as the service answers it and as a naive count has it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tickettoken.metrics.v1 import performance_pb2, revenue_pb2, sales_pb2

from tests.metrics.season import naive
from tests.metrics.season.questions import ZONES, figures, timed, windows


@pytest.fixture(scope="session")
def books(season):
    return naive.sold(season)


async def test_revenue_summary(season, books, client):
    for venue in (None, *season.venues):
        for start, end in windows(season, ZoneInfo("Europe/Berlin")):
            request = revenue_pb2.GetRevenueSummaryRequest(venue_id="" if venue is None else str(venue.id))
            answer = await client.analytics.GetRevenueSummary(
                timed(request, start, end), metadata=client.metadata
            )

            for found, since in ((answer.current, start), (answer.previous, start - (end - start))):
                until = since + (end - start)
                assert figures(found) == naive.revenue(
                    line
                    for line in books
                    if since <= line.order.sold_at < until
                    and venue in (None, next(one for one in season.venues if one.id == line.order.venue_id))
                )


async def test_revenue_by_channel(season, books, client):
    for venue in season.venues:
        for start, end in windows(season, ZoneInfo(venue.time_zone)):
            request = revenue_pb2.GetRevenueByChannelRequest(venue_id=str(venue.id))
            answer = await client.analytics.GetRevenueByChannel(
                timed(request, start, end), metadata=client.metadata
            )

            own = [line for line in books if line.order.venue_id == venue.id]
            own = [line for line in own if start <= line.order.sold_at < end]
            for channel in {line.order.channel for line in own} | {one.channel for one in answer.channels}:
                found = figures(one.figures for one in answer.channels if one.channel == channel)
                assert found == naive.revenue(line for line in own if line.order.channel == channel)


@pytest.mark.parametrize("time_zone", ZONES)
@pytest.mark.parametrize("unit", ["hour", "day", "week", "month"])
async def test_sales_metrics(season, books, client, time_zone, unit):
    clock = ZoneInfo(time_zone)
    for start, end in windows(season, clock)[1 if unit == "hour" else 0 :]:
        request = sales_pb2.GetSalesMetricsRequest(granularity=unit, time_zone=time_zone)
        answer = await client.analytics.GetSalesMetrics(timed(request, start, end), metadata=client.metadata)

        own = [line for line in books if start <= line.order.sold_at < end]
        by_bucket = {}
        for line in own:
            by_bucket.setdefault(naive.bucket(line.order.sold_at, unit, clock), []).append(line)
        starts = [naive.bucket(one.start_time.ToDatetime(UTC), unit, clock) for one in answer.buckets]
        assert len(set(starts)) == len(starts)
        assert set(by_bucket) <= set(starts)
        for key, found in zip(starts, answer.buckets, strict=True):
            lines = by_bucket.get(key, [])
            assert figures(found.figures) == naive.revenue(lines)
            assert found.order_count == len({line.order.id for line in lines})
            assert found.ticket_count == sum(line.tickets for line in lines)
            assert found.refunded_ticket_count == sum(line.returned for line in lines)
        assert figures(answer.totals) == naive.revenue(own)


async def test_sales_of_one_show(season, books, client):
    for show in list(season.shows.values())[:6]:
        request = sales_pb2.GetSalesMetricsRequest(event_id=str(show.id), granularity="month")
        start, end = season.now - timedelta(days=420), season.now
        answer = await client.analytics.GetSalesMetrics(timed(request, start, end), metadata=client.metadata)

        assert figures(answer.totals) == naive.revenue(line for line in books if line.show_id == show.id)


async def test_top_events_by_revenue(season, books, client):
    start, end = season.now - timedelta(days=200), season.now - timedelta(days=20)
    request = performance_pb2.ListTopPerformingEventsRequest(limit=100)
    answer = await client.analytics.ListTopPerformingEvents(
        timed(request, start, end), metadata=client.metadata
    )

    own = [line for line in books if start <= line.order.sold_at < end]
    for currency in {line.order.currency for line in own}:
        by_show = {}
        for line in own:
            if line.order.currency == currency:
                by_show.setdefault(str(line.show_id), []).append(line)
        net = {show: sum(line.net for line in lines) for show, lines in by_show.items()}
        found = [one for one in answer.events if one.figures[0].currency == currency]
        best = sorted(net.values(), reverse=True)
        assert [one.figures[0].net.amount_minor for one in found] == best[: len(found)]
        assert [one.rank for one in found] == [1 + best.index(net[one.event_id]) for one in found]
        for one in found:
            assert figures(one.figures) == naive.revenue(by_show[one.event_id])
            kept = [line.tickets - line.returned for line in own if str(line.show_id) == one.event_id]
            assert one.ticket_count == sum(kept)


@pytest.mark.parametrize("order_by", ["tickets", "sell_through"])
async def test_top_events_by_tickets_and_sell_through(season, books, client, order_by):
    start, end = season.now - timedelta(days=300), season.now - timedelta(days=50)
    request = performance_pb2.ListTopPerformingEventsRequest(limit=30, order_by=order_by)
    answer = await client.analytics.ListTopPerformingEvents(
        timed(request, start, end), metadata=client.metadata
    )

    sold, until = {}, {}
    for line in books:
        kept = line.tickets - line.returned
        if start <= line.order.sold_at < end:
            sold[line.show_id] = sold.get(line.show_id, 0) + kept
        if line.order.sold_at < end:
            until[line.show_id] = until.get(line.show_id, 0) + kept
    through = {show: until[show] / season.shows[show].capacity for show in sold}
    wanted = sold if order_by == "tickets" else through
    best = sorted(wanted.values(), reverse=True)[:30]
    shown = {str(show): (sold[show], through[show]) for show in sold}
    assert [(one.ticket_count, one.sell_through_ratio) for one in answer.events] == [
        pytest.approx(shown[one.event_id]) for one in answer.events
    ]
    place = 0 if order_by == "tickets" else 1
    assert [shown[one.event_id][place] for one in answer.events] == pytest.approx(best)
    assert answer.events[0].rank == 1


def test_the_season_has_what_it_is_meant_to_try(season):
    assert season.refunds
    assert any(order.cancelled_at for order in season.orders)
    assert any(order.wrong_gross for order in season.orders)
    assert any(len(order.shows) > 1 for order in season.orders)
    assert datetime.now(UTC) - season.now < timedelta(hours=3)
