"""Local days of a history, where clocks change and where a zone is a quarter of an hour off."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from services.metrics.projections.history import History, day_edges

NOW = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)


def history(zone):
    clock = ZoneInfo(zone)
    edges = tuple(day_edges(NOW, clock))
    return History(
        time_zone=zone, today=NOW.astimezone(clock).date(), edges=edges, net={}, shows=(), as_of=None
    )


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu", "Europe/Berlin", "UTC"])
def test_a_moment_belongs_to_the_local_day_that_holds_it(zone):
    past = history(zone)
    moments = [edge + around for edge in past.edges for around in (timedelta(seconds=-1), timedelta(0))]

    days = [past.day_of(moment) for moment in moments]

    assert days == [bisect_right(past.edges, moment) - 1 for moment in moments]
    assert past.day_of(NOW) == past.day_count


@pytest.mark.parametrize(
    ("zone", "hours"),
    [("America/New_York", {23, 24, 25}), ("Asia/Kathmandu", {24}), ("Europe/Berlin", {23, 24, 25})],
)
def test_days_are_as_long_as_their_clocks_say_and_start_at_local_midnight(zone, hours):
    edges = history(zone).edges

    lengths = {(end - start).total_seconds() / 3600 for start, end in pairwise(edges)}

    assert lengths == hours
    assert {edge.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S") for edge in edges} == {"00:00:00"}
    assert len(edges) - 2 in {730, 731}
