"""Venues day by day, as the service answers it and as a naive count has it."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from tickettoken.metrics.v1 import performance_pb2

from tests.metrics.season import naive
from tests.metrics.season.questions import figures, timed


def recounted(season, venue, unit):
    """What was sold, admitted and visited at a venue, by the first day of the period."""
    clock = ZoneInfo(venue.time_zone)
    lines, scans, visits = defaultdict(list), Counter(), defaultdict(set)
    for line in naive.sold(season):
        if line.order.venue_id == venue.id:
            lines[naive.bucket(line.order.sold_at, unit, clock)].append(line)
    of_venue = {one.ticket_id for one in season.scans if one.venue_id == venue.id}
    for (ticket, _, _), at in naive.admissions(season).items():
        if ticket in of_venue:
            scans[naive.bucket(at, unit, clock)] += 1
    for step in season.steps:
        if step.venue_id == venue.id:
            session_of_day = (step.at.astimezone(clock).date(), step.session)
            visits[naive.bucket(step.at, unit, clock)].add(session_of_day)
    return lines, scans, visits


@pytest.mark.parametrize("unit", ["day", "week", "month"])
async def test_venue_performance(season, client, unit):
    end = datetime.combine(season.now.date() + timedelta(days=2), time(), UTC)
    request = performance_pb2.ListVenuePerformanceRequest(granularity=unit)
    answer = await client.analytics.ListVenuePerformance(
        timed(request, end - timedelta(days=398), end), metadata=client.metadata
    )

    assert [one.venue_name for one in answer.venues] == sorted(venue.name for venue in season.venues)
    for found in answer.venues:
        venue = next(one for one in season.venues if str(one.id) == found.venue_id)
        assert found.time_zone == venue.time_zone
        lines, scans, visits = recounted(season, venue, unit)
        starts = [date.fromisoformat(one.start_date) for one in found.periods]
        assert {*lines, *scans, *visits} <= {*starts}
        for start, one in zip(starts, found.periods, strict=True):
            own = lines[start]
            assert figures(one.figures) == naive.revenue(own)
            assert one.order_count == len({line.order.id for line in own})
            assert one.ticket_count == sum(line.tickets for line in own)
            assert one.refunded_ticket_count == sum(line.returned for line in own)
            assert (one.scanned_count, one.visitor_count) == (scans[start], len(visits[start]))
