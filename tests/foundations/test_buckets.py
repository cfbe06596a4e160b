"""Time buckets in a venue's zone, against a naive oracle that looks at every minute's wall clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.buckets import Window, WindowTooWide, bucket_edges, zone
from libs.common.errors import InvalidField

ZONES = [
    "UTC",
    "Europe/Vienna",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Beirut",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "America/St_Johns",
]
MINUTE = timedelta(minutes=1)


def label(local, granularity):
    """What the wall clock shows, cut to the granularity."""
    if granularity == "hour":
        return local.date(), local.hour, local.utcoffset()
    if granularity == "day":
        return local.date()
    if granularity == "week":
        return local.date() - timedelta(days=local.weekday())
    return local.year, local.month


def oracle(window, granularity, clock, margin):
    """Edges by walking minute by minute: a bucket ends where the label changes."""
    start = window.start.replace(second=0, microsecond=0) - margin
    edges, previous = [], None
    minute = start
    while True:
        shown = label(minute.astimezone(clock), granularity)
        if shown != previous and previous is not None:
            edges.append(minute)
            if minute >= window.end:
                break
        previous = shown
        minute += MINUTE
    first = max(index for index, edge in enumerate(edges) if edge <= window.start)
    return edges[first:]


instants = st.datetimes(datetime(1995, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
turns = st.sampled_from(
    [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
        datetime(2026, 4, 4, 15, tzinfo=UTC),
        datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
        datetime(2011, 12, 30, 10, tzinfo=UTC),
        datetime(2018, 11, 4, 3, tzinfo=UTC),
        datetime(2018, 2, 18, 2, tzinfo=UTC),
        datetime(2025, 3, 30, 22, tzinfo=UTC),
        datetime(2025, 11, 2, 5, tzinfo=UTC),
    ]
)
near_turns = st.builds(
    lambda turn, offset: turn + timedelta(seconds=offset), turns, st.integers(-200_000, 200_000)
)


@settings(max_examples=60, deadline=None)
@given(
    start=st.one_of(near_turns, instants),
    minutes=st.integers(1, 3000),
    name=st.sampled_from(ZONES),
    granularity=st.sampled_from(["hour", "day"]),
)
def test_edges_are_where_the_wall_clock_changes(start, minutes, name, granularity):
    window, clock = Window(start, start + minutes * MINUTE), ZoneInfo(name)

    assert bucket_edges(window, granularity, clock) == oracle(window, granularity, clock, timedelta(hours=50))


@settings(max_examples=6, deadline=None)
@given(start=near_turns, name=st.sampled_from(ZONES), granularity=st.sampled_from(["week", "month"]))
def test_weeks_and_months_start_on_mondays_and_firsts(start, name, granularity):
    window, clock = Window(start, start + timedelta(days=9)), ZoneInfo(name)

    assert bucket_edges(window, granularity, clock) == oracle(window, granularity, clock, timedelta(days=33))


@settings(max_examples=200, deadline=None)
@given(
    start=st.one_of(near_turns, instants),
    days=st.floats(0.01, 60),
    name=st.sampled_from(ZONES),
    granularity=st.sampled_from(["hour", "day", "week", "month"]),
    at=st.floats(0, 1, exclude_max=True),
)
def test_every_instant_of_the_window_has_exactly_one_bucket(start, days, name, granularity, at):
    window = Window(start, start + timedelta(days=days))
    instant = start + window.length * at

    edges = bucket_edges(window, granularity, ZoneInfo(name))

    assert edges == sorted(set(edges))
    assert edges[0] <= window.start < edges[1]
    assert edges[-2] < window.end <= edges[-1]
    assert sum(edges[i] <= instant < edges[i + 1] for i in range(len(edges) - 1)) == 1


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)],
)
def test_days_have_23_24_or_25_hours(day, hours):
    clock = zone("Europe/Vienna")
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=clock)
    window = Window(noon, noon + MINUTE)

    edges = bucket_edges(window, "day", clock)

    assert edges[1] - edges[0] == timedelta(hours=hours)
    hourly = bucket_edges(Window(edges[0], edges[1]), "hour", clock)
    assert len(hourly) - 1 == hours


def test_kathmandu_days_begin_at_a_quarter_past_in_utc():
    edges = bucket_edges(
        Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)),
        "day",
        zone("Asia/Kathmandu"),
    )

    assert edges[0] == datetime(2025, 12, 31, 18, 15, tzinfo=UTC)
    assert len(edges) == 3


def test_an_aligned_window_has_no_extra_bucket():
    window = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=UTC))

    assert len(bucket_edges(window, "day", zone("UTC"))) == 31
    assert len(bucket_edges(window, "hour", zone("UTC"))) == 30 * 24 + 1


@pytest.mark.parametrize(("granularity", "days"), [("hour", 83.3), ("day", 2000), ("week", 14000)])
def test_2000_buckets_are_the_most(granularity, days):
    start = datetime(2026, 1, 5, tzinfo=UTC)
    widest = Window(start, start + timedelta(days=days))
    assert len(bucket_edges(widest, granularity, zone("UTC"))) <= 2001

    for factor in (1.001, 2, 100):
        with pytest.raises(WindowTooWide) as refusal:
            bucket_edges(Window(start, start + timedelta(days=days * factor)), granularity, zone("UTC"))
        assert int(refusal.value.metadata["bucket_count"]) > 1900
        assert refusal.value.metadata["limit"] == "2000"


def test_windows_are_half_open():
    window = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))

    assert window.start in window
    assert window.end not in window
    assert window.previous().end == window.start
    assert window.previous().length == window.length
    with pytest.raises(InvalidField, match="endDate"):
        Window.of(window.end, window.end)


def test_the_previous_window_must_lie_in_the_calendar():
    window = Window(datetime(1, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))

    with pytest.raises(InvalidField, match="startDate"):
        window.previous()


@pytest.mark.parametrize("name", ["", "Nowhere/City", "../etc/passwd", "europe/vienna", "\x00", "Europe"])
def test_names_that_are_no_zones_are_refused(name):
    with pytest.raises(InvalidField, match="timeZone"):
        zone(name)
