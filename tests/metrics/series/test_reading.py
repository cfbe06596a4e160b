"""Series over gRPC, against naive recomputations from what was recorded."""

import math
import random
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.metrics.series.asking import aggregate_request, list_request, metric, record
from tests.metrics.serving import eventually_equal


def naive_local_start(at, granularity, zone):
    """First local instant of the bucket, the obvious way: cut the wall clock and go back to UTC."""
    local = at.astimezone(zone)
    if granularity == "hour":
        offset = local.utcoffset() % timedelta(hours=1)
        shifted = at + offset
        return shifted.replace(minute=0, second=0, microsecond=0) - offset
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if granularity == "week":
        day -= timedelta(days=day.weekday())
    if granularity == "month":
        day = day.replace(day=1)
    return day.astimezone(UTC)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC"])
@pytest.mark.parametrize("granularity", ["hour", "day", "week", "month"])
async def test_buckets_equal_a_naive_count_in_the_zone_with_clock_changes_and_ragged_edges(
    metrics_process, loaded, zone, granularity
):
    tenant, venue, points = loaded
    start = datetime(2026, 10, 23, 7, 11, 13, 500, tzinfo=UTC)
    end = datetime(2026, 11, 6, 3, 59, 59, 999_999, tzinfo=UTC)
    request = list_request(venue, start, end, granularity=granularity, time_zone=zone)

    async with metrics_process.client(tenant) as client:
        response = await client.metrics.ListMetrics(request, metadata=client.metadata)

    expected = {}
    for at, value, _ in points:
        if start <= at < end:
            expected.setdefault(naive_local_start(at, granularity, ZoneInfo(zone)), []).append(value)
    buckets = {bucket.start_time.ToDatetime(UTC): bucket for bucket in response.buckets}
    assert list(buckets) == sorted(buckets)
    assert next(iter(buckets)) == naive_local_start(start, granularity, ZoneInfo(zone))
    assert set(expected) <= set(buckets)
    for at, bucket in buckets.items():
        values = expected.get(at, [])
        assert bucket.count == len(values)
        assert bucket.sum == pytest.approx(math.fsum(values), rel=1e-9, abs=1e-9)
        assert bucket.HasField("avg") == bucket.HasField("min") == bucket.HasField("max") == bool(values)
        if values:
            assert (bucket.min, bucket.max) == (min(values), max(values))
            assert bucket.avg == pytest.approx(math.fsum(values) / len(values), rel=1e-9, abs=1e-9)
    assert response.as_of.ToDatetime(UTC) == max(at for at, _, _ in points if at < end)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Asia/Kathmandu", date(2026, 10, 25), 24),
    ],
)
async def test_a_day_has_the_hours_its_clock_shows(client, zone, day, hours):
    venue = uuid4()
    start, end = (
        datetime.combine(midnight, time(), ZoneInfo(zone)) for midnight in (day, day + timedelta(days=1))
    )
    first_hours = [start.astimezone(UTC) + timedelta(hours=hour, minutes=7) for hour in range(hours)]
    await record(client, [metric(venue, at, 1.0) for at in first_hours])

    request = list_request(
        venue, start.astimezone(UTC), end.astimezone(UTC), granularity="hour", time_zone=zone
    )
    by_hour = await client.metrics.ListMetrics(request, metadata=client.metadata)
    request.granularity = "day"
    by_day = await client.metrics.ListMetrics(request, metadata=client.metadata)

    assert [bucket.count for bucket in by_hour.buckets] == [1] * hours
    assert [bucket.count for bucket in by_day.buckets] == [hours]


@pytest.mark.parametrize("aggregation", ["sum", "avg", "min", "max", "count", "p50", "p95", "p99"])
async def test_aggregates_are_exact_over_ragged_windows(metrics_process, loaded, aggregation):
    tenant, venue, points = loaded
    randomness = random.Random(aggregation)
    async with metrics_process.client(tenant) as client:
        for width in (timedelta(minutes=4), timedelta(minutes=20), timedelta(hours=7), timedelta(days=9)):
            start = datetime(2026, 10, 21, tzinfo=UTC) + timedelta(seconds=randomness.uniform(0, 10 * 86_400))
            end = start + width
            for gate in ("", "north"):
                request = aggregate_request(
                    venue, start, end, aggregation, dimension=[f"gate={gate}"] if gate else []
                )

                response = await client.metrics.AggregateMetrics(request, metadata=client.metadata)

                values = [v for at, v, g in points if start <= at < end and (not gate or g == gate)]
                assert response.count == len(values)
                if not values and aggregation not in ("sum", "count"):
                    assert not response.HasField("value")
                    continue
                expected = {
                    "sum": math.fsum,
                    "avg": lambda v: math.fsum(v) / len(v),
                    "min": min,
                    "max": max,
                    "count": len,
                    "p50": lambda v: np.percentile(v, 50),
                    "p95": lambda v: np.percentile(v, 95),
                    "p99": lambda v: np.percentile(v, 99),
                }[aggregation](values)
                assert response.value == pytest.approx(expected, rel=1e-9, abs=1e-9)


async def test_aggregations_differ_from_each_other(client):
    """The predecessor ignored which one was asked for."""
    venue, at = uuid4(), datetime.now(UTC) - timedelta(hours=1)
    await record(client, [metric(venue, at, value) for value in (1.0, 2.0, 6.0)])

    answers = {}
    for aggregation in ("sum", "avg", "min", "max", "count", "p50"):
        request = aggregate_request(venue, at - timedelta(hours=1), at + timedelta(hours=1), aggregation)
        answers[aggregation] = (
            await client.metrics.AggregateMetrics(request, metadata=client.metadata)
        ).value

    assert answers == {"sum": 9.0, "avg": 3.0, "min": 1.0, "max": 6.0, "count": 3.0, "p50": 2.0}


async def test_pages_of_points_are_bounded_ordered_and_complete_with_equal_times(metrics_process, loaded):
    tenant, venue, points = loaded
    start, end = datetime(2026, 10, 22, tzinfo=UTC), datetime(2026, 10, 29, tzinfo=UTC)
    tie = datetime(2026, 10, 23, 12, tzinfo=UTC)
    async with metrics_process.client(tenant) as client:
        await record(client, [metric(venue, tie, float(n), gate="tie") for n in range(25)])
        request = list_request(venue, start, end, page_size=10)
        seen, sizes = [], []
        while True:
            page = await client.metrics.ListMetrics(request, metadata=client.metadata)
            seen += page.points
            sizes.append(len(page.points))
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        request.ClearField("page_token")
        request.page_size = 0
        default = await client.metrics.ListMetrics(request, metadata=client.metadata)
        request.page_size = 100_000
        widest = await client.metrics.ListMetrics(request, metadata=client.metadata)

    expected = [at for at, _, _ in points if start <= at < end] + [tie] * 25
    assert [point.timestamp.ToDatetime(UTC) for point in seen] == sorted(expected)
    assert sorted(p.value for p in seen if p.dimensions["gate"] == "tie") == [float(n) for n in range(25)]
    assert set(sizes[:-1]) == {10}
    assert (len(default.points), len(widest.points)) == (50, 1000)


async def test_a_point_comes_back_as_it_was_recorded(client):
    venue, metric_id = uuid4(), str(uuid4())
    at = datetime.now(UTC) - timedelta(minutes=5)
    row = metric(venue, at, 0.0, gate="north", note="a=b, c")
    row.metadata.update({"ok": False, "n": 0, "list": [1, None, {"x": "y"}]})
    row.metric_id = metric_id
    await record(client, [row])

    request = list_request(venue, at, at + timedelta(seconds=1), dimension=["note=a=b, c"])
    (point,) = (await client.metrics.ListMetrics(request, metadata=client.metadata)).points

    assert (point.timestamp, point.value, point.metric_id) == (row.timestamp, 0.0, metric_id)
    assert dict(point.dimensions) == dict(row.dimensions)
    assert point.metadata == row.metadata


async def test_own_writes_are_in_the_next_answer_though_answers_are_cached(client):
    venue, now = uuid4(), datetime.now(UTC)
    request = list_request(venue, now - timedelta(hours=2), now + timedelta(hours=1), granularity="hour")
    await record(client, [metric(venue, now, 1.0)])
    for expected in range(1, 6):
        response = await client.metrics.ListMetrics(request, metadata=client.metadata)
        again = await client.metrics.ListMetrics(request, metadata=client.metadata)

        assert sum(bucket.count for bucket in response.buckets) == expected
        assert again == response
        await record(client, [metric(venue, now, 1.0)])


async def test_the_venues_own_zone_cuts_buckets_when_none_is_asked_for(client, as_admin):
    venue = uuid4()
    await record(client, [metric(venue, datetime(2026, 11, 1, 18, 20, tzinfo=UTC), 1.0)])
    await as_admin.execute("update venues set time_zone = 'Asia/Kathmandu' where venue_id = $1", venue)
    request = list_request(
        venue, datetime(2026, 11, 1, 18, 20, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC), granularity="day"
    )

    async def first_bucket():
        response = await client.metrics.ListMetrics(request, metadata=client.metadata)
        return response.buckets[0].start_time.ToDatetime(UTC)

    expected = datetime(2026, 11, 1, 18, 15, tzinfo=UTC)
    assert await eventually_equal(first_bucket, expected)
