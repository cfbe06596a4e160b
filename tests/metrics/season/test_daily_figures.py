"""Venues day by day, as the service answers it and as a naive count has it."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from tickettoken.metrics.v1 import performance_pb2

from tests.metrics.season import naive
from tests.metrics.season.questions import figures, timed


@pytest.mark.parametrize(("unit", "days"), [("day", 390), ("week", 392), ("month", 400)])
async def test_venue_performance(season, client, unit, days):
    end = datetime.combine(season.now.date() + timedelta(days=2), time(), UTC)
    request = performance_pb2.ListVenuePerformanceRequest(granularity=unit)
    answer = await client.analytics.ListVenuePerformance(
        timed(request, end - timedelta(days=days), end), metadata=client.metadata
    )

    assert [one.venue_name for one in answer.venues] == sorted(venue.name for venue in season.venues)
    for found in answer.venues:
        venue = next(one for one in season.venues if str(one.id) == found.venue_id)
        clock = ZoneInfo(venue.time_zone)
        first = date.fromisoformat(found.periods[0].start_date)
        assert found.time_zone == venue.time_zone

        def period(moment, clock=clock, first=first):
            """The period of an instant, or None before the first day asked for."""
            local = naive.bucket(moment, unit, clock)
            return local if moment.astimezone(clock).date() >= max(first, since(clock)) else None

        def since(clock):
            start = (end - timedelta(days=days)).astimezone(clock)
            return start.date() if start.time() == time() else start.date() + timedelta(days=1)

        lines, scans, visitors = defaultdict(list), defaultdict(int), defaultdict(set)
        for line in naive.sold(season):
            if line.order.venue_id == venue.id:
                lines[period(line.order.sold_at)].append(line)
        venue_of = {one.ticket_id: one.venue_id for one in season.scans}
        for (ticket, _, _), at in naive.admissions(season).items():
            if venue_of[ticket] == venue.id:
                scans[period(at)] += 1
        for step in season.steps:
            if step.venue_id == venue.id:
                visitors[period(step.at)].add((step.at.astimezone(clock).date(), step.session))
        for one in found.periods:
            key = date.fromisoformat(one.start_date)
            if unit != "day":
                key = naive.bucket(datetime.combine(key, time(12), clock), unit, clock)
            own = lines[key]
            assert figures(one.figures) == naive.revenue(own)
            assert one.order_count == len({line.order.id for line in own})
            assert one.ticket_count == sum(line.tickets for line in own)
            assert one.refunded_ticket_count == sum(line.returned for line in own)
            assert (one.scanned_count, one.visitor_count) == (scans[key], len(visitors[key]))
