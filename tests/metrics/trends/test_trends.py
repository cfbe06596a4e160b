"""GetMetricTrends and CompareMetrics over gRPC, against naive recomputations from what was recorded."""

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import grpc
import pytest
from tickettoken.metrics.v1 import recording_pb2, trends_pb2

from libs.common.rpc.status import error_info_from
from tests.metrics.serving import bad_fields, refused

TYPE = "entries"
NOW = datetime.now(UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu")


def period_of(moment, unit, clock):
    """The local hour (with its offset), date, Monday or first of the month of an instant."""
    local = moment.astimezone(clock)
    if unit == "hour":
        return local.replace(minute=0, second=0, microsecond=0).isoformat()
    if unit == "week":
        return local.date() - timedelta(days=local.weekday())
    return local.date().replace(day=1) if unit == "month" else local.date()


@pytest.fixture(scope="module")
async def loaded(metrics_process):
    """A venue with 2,000 values over the last 200 days, by gate or without one, and those values."""
    chance = random.Random(4)
    points = [
        (
            NOW - timedelta(seconds=chance.randrange(200 * 86_400)),
            float(chance.randrange(1, 50)),
            chance.choice(["north", "south", None]),
        )
        for _ in range(2_000)
    ]
    venue = uuid4()
    async with metrics_process.client(uuid4()) as client:
        rows = []
        for at, value, gate in points:
            row = recording_pb2.MetricInput(metric_type=TYPE, value=value, venue_id=str(venue))
            row.timestamp.FromDatetime(at)
            if gate is not None:
                row.dimensions["gate"] = gate
            rows.append(row)
        request = recording_pb2.BulkRecordMetricsRequest(metrics=rows)
        answer = await client.metrics.BulkRecordMetrics(request, metadata=client.metadata)
        assert answer.accepted_count == len(rows)
        yield client, venue, points


def trends(client, venue, **fields):
    request = trends_pb2.GetMetricTrendsRequest(venue_id=str(venue), metric_type=TYPE, **fields)
    return client.metrics.GetMetricTrends(request, metadata=client.metadata)


def compare(client, venue, current, previous, **fields):
    request = trends_pb2.CompareMetricsRequest(venue_id=str(venue), metric_type=TYPE, **fields)
    request.current_start_date.FromDatetime(current[0])
    request.current_end_date.FromDatetime(current[1])
    request.previous_start_date.FromDatetime(previous[0])
    request.previous_end_date.FromDatetime(previous[1])
    return client.metrics.CompareMetrics(request, metadata=client.metadata)


@pytest.mark.parametrize("time_zone", ZONES)
@pytest.mark.parametrize(("unit", "count"), [("hour", 48), ("day", 60), ("week", 20), ("month", 5)])
async def test_periods_are_the_last_complete_ones_of_the_zone(loaded, time_zone, unit, count):
    client, venue, points = loaded
    clock = ZoneInfo(time_zone)
    sums = defaultdict(float)
    counts = Counter()
    for at, value, _ in points:
        sums[period_of(at, unit, clock)] += value
        counts[period_of(at, unit, clock)] += 1

    answer = await trends(client, venue, periods=count, period_unit=unit, time_zone=time_zone)

    keys = [period_of(one.start_time.ToDatetime(UTC), unit, clock) for one in answer.periods]
    assert len(keys) == count
    assert keys == sorted(set(keys), key=str)
    assert [(one.sum, one.count) for one in answer.periods] == [(sums[key], counts[key]) for key in keys]
    assert answer.window.end_time.ToDatetime(UTC) <= datetime.now(UTC)
    running = period_of(answer.window.end_time.ToDatetime(UTC), unit, clock)
    assert running == period_of(datetime.now(UTC), unit, clock)
    assert answer.trend.period_count == count
    assert answer.trend.missing_period_count == sum(not one.count for one in answer.periods)


async def test_trend_by_dimension_adds_up_to_the_whole(loaded):
    client, venue, _ = loaded

    answer = await trends(client, venue, periods=30, period_unit="day", dimension=["gate"])

    assert {one.dimension_value for one in answer.by_dimension} == {"north", "south", ""}
    totals = [sum(period.sum for period in one.periods) for one in answer.by_dimension]
    assert totals == sorted(totals, reverse=True)
    for place, period in enumerate(answer.periods):
        assert period.sum == sum(one.periods[place].sum for one in answer.by_dimension)


@pytest.mark.parametrize("dimension", [["gate"], ["gate", "gate=north"], []])
async def test_comparison_equals_a_naive_one(loaded, dimension):
    client, venue, points = loaded
    current = (NOW - timedelta(days=11, minutes=7), NOW - timedelta(hours=3, seconds=13))
    previous = (NOW - timedelta(days=40, seconds=1), NOW - timedelta(days=9, minutes=1))
    wanted = {"north"} if "gate=north" in dimension else {"north", "south", None}

    answer = await compare(client, venue, current, previous, dimension=dimension)

    for message, gates in [
        (answer.comparison, wanted),
        *((one.comparison, {one.dimension_value or None}) for one in answer.by_dimension),
    ]:
        now, then = (
            [value for at, value, gate in points if start <= at < end and gate in gates]
            for start, end in (current, previous)
        )
        assert [(side.count, side.sum) for side in (message.current, message.previous)] == [
            (len(now), sum(now)),
            (len(then), sum(then)),
        ]
        assert message.sum_change.absolute == sum(now) - sum(then)
        assert message.sum_change.relative == pytest.approx((sum(now) - sum(then)) / sum(then))
        assert message.avg_change.absolute == pytest.approx(sum(now) / len(now) - sum(then) / len(then))
        assert (message.current.min, message.current.max) == (min(now), max(now))
        assert message.HasField("sum_per_day_change")
    assert {one.dimension_value or None for one in answer.by_dimension} == (wanted if dimension else set())


async def test_days_are_counted_in_the_zone_and_a_turn_of_the_clock_is_no_longer_day(loaded):
    client, venue, _ = loaded
    berlin = ZoneInfo("Europe/Berlin")
    turned = (datetime(2026, 10, 25, tzinfo=berlin), datetime(2026, 10, 26, tzinfo=berlin))
    half = (datetime(2026, 10, 23, tzinfo=berlin), datetime(2026, 10, 24, 12, tzinfo=berlin))

    answer = await compare(client, venue, turned, half, time_zone="Europe/Berlin")

    assert answer.comparison.current.day_count == 1
    assert answer.comparison.previous.day_count == 1.5


async def test_change_from_nothing_has_no_ratio(loaded):
    client, venue, _ = loaded
    empty = (NOW - timedelta(days=300), NOW - timedelta(days=299))

    answer = await compare(client, venue, (NOW - timedelta(days=1), NOW), empty)

    assert not answer.comparison.sum_change.HasField("relative")
    assert not answer.comparison.HasField("avg_change")
    assert not answer.comparison.HasField("sum_per_day_change")


async def test_refusals_name_their_reason(loaded, metrics_process):
    client, venue, _ = loaded
    old = (NOW - timedelta(days=500, seconds=1), NOW - timedelta(days=499))

    assert await bad_fields(
        trends(client, venue, periods=3, period_unit="day", dimension=["gate", "door"])
    ) == ["dimension"]
    assert await bad_fields(trends(client, venue, periods=3, period_unit="day", time_zone="Mars/Base")) == [
        "timeZone"
    ]
    assert await bad_fields(trends(client, venue, periods=0, period_unit="day")) == ["periods"]
    assert await bad_fields(compare(client, venue, (NOW, NOW), old)) == ["currentEndDate"]
    assert await refused(compare(client, venue, (old[1], NOW), old)) == (
        "FAILED_PRECONDITION",
        "RAW_POINTS_EXPIRED",
    )
    async with metrics_process.client(uuid4()) as stranger:
        assert await refused(trends(stranger, venue, periods=3, period_unit="day")) == (
            "NOT_FOUND",
            "VENUE_NOT_FOUND",
        )
        assert await refused(compare(stranger, venue, (NOW - timedelta(1), NOW), old)) == (
            "NOT_FOUND",
            "VENUE_NOT_FOUND",
        )


async def test_periods_from_before_figures_are_kept_are_refused_with_the_time_and_never_counted_as_0(loaded):
    client, venue, _ = loaded
    kept_since = NOW - timedelta(days=1100)
    forgotten = (NOW - timedelta(days=1200)).replace(minute=0, second=0, microsecond=0)

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await trends(client, venue, periods=37, period_unit="month")

    info = error_info_from(refusal.value)
    assert (refusal.value.code().name, info.reason) == ("FAILED_PRECONDITION", "SERIES_EXPIRED")
    told = datetime.fromisoformat(info.metadata["oldest_time"])
    assert timedelta(0) <= told - kept_since < timedelta(hours=1)
    answer = await trends(client, venue, periods=30, period_unit="month")
    assert answer.window.start_time.ToDatetime(UTC) >= told
    window = (NOW - timedelta(days=1), NOW)
    assert await refused(compare(client, venue, window, (forgotten, forgotten + timedelta(days=1)))) == (
        "FAILED_PRECONDITION",
        "SERIES_EXPIRED",
    )
