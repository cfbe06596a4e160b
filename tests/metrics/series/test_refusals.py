"""What is refused of series: bad fields, what is not kept, and what is not the caller's."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from tickettoken.metrics.v1 import recording_pb2

from tests.metrics.series.asking import TYPE, aggregate_request, list_request, metric, record
from tests.metrics.serving import bad_fields, refused


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"granularity": "minute"}, "granularity"),
        ({"granularity": "hour", "time_zone": "Mars/Olympus"}, "timeZone"),
        ({"granularity": "hour", "time_zone": "../../etc/passwd"}, "timeZone"),
        ({"dimension": ["gate"]}, "dimension[0]"),
        ({"dimension": ["gate=a", "gate=b"]}, "dimension"),
        ({"page_size": -1}, "pageSize"),
        ({"page_token": "nonsense"}, "pageToken"),
        ({"metric_type": "n" * 300}, "metricType"),
        ({"venue_id": "x" * 300}, "venueId"),
    ],
)
async def test_a_bad_field_is_named(client, fields, field):
    now = datetime.now(UTC)
    request = list_request(uuid4(), now - timedelta(hours=1), now)
    for name, value in fields.items():
        if isinstance(value, list):
            request.dimension.extend(value)
        else:
            setattr(request, name, value)

    assert await bad_fields(client.metrics.ListMetrics(request, metadata=client.metadata)) == [field]


async def test_windows_are_refused_when_empty_or_with_too_many_buckets(client):
    venue, now = uuid4(), datetime.now(UTC)
    await record(client, [metric(venue, now, 1.0)])

    async def refusal(request):
        return await refused(client.metrics.ListMetrics(request, metadata=client.metadata))

    assert (await refusal(list_request(venue, now, now)))[0] == "INVALID_ARGUMENT"
    wide = list_request(venue, now - timedelta(days=390), now, granularity="hour")
    assert await refusal(wide) == ("INVALID_ARGUMENT", "WINDOW_TOO_WIDE")


async def test_a_percentile_over_too_many_values_is_refused_with_the_limit(client):
    venue, at = uuid4(), datetime.now(UTC) - timedelta(hours=2)
    await record(client, [metric(venue, at, float(n)) for n in range(5001)])
    request = aggregate_request(venue, at - timedelta(hours=1), at + timedelta(hours=1), "p95")

    assert await refused(client.metrics.AggregateMetrics(request, metadata=client.metadata)) == (
        "FAILED_PRECONDITION",
        "TOO_MANY_VALUES",
    )


async def test_edges_older_than_raw_rows_are_refused_and_quarter_hours_are_not(client):
    venue, now = uuid4(), datetime.now(UTC)
    await record(client, [metric(venue, now, 1.0)])
    old = now.replace(minute=0, second=0, microsecond=0) - timedelta(days=500)
    ragged = aggregate_request(venue, old + timedelta(minutes=1), now, "sum")
    aligned = aggregate_request(venue, old, now + timedelta(minutes=1), "sum")

    assert await refused(client.metrics.AggregateMetrics(ragged, metadata=client.metadata)) == (
        "FAILED_PRECONDITION",
        "RAW_POINTS_EXPIRED",
    )
    assert (await client.metrics.AggregateMetrics(aligned, metadata=client.metadata)).value == 1.0


async def test_what_is_older_than_it_is_kept_is_refused_and_never_counted_as_nothing(client):
    venue, now = uuid4(), datetime.now(UTC)
    await record(client, [metric(venue, now, 1.0)])
    hour = now.replace(minute=0, second=0, microsecond=0)
    before_points, before_rollups = hour - timedelta(days=401), hour - timedelta(days=1101)

    async def reason(call):
        code, named = await refused(call)
        assert code == "FAILED_PRECONDITION"
        return named

    points = list_request(venue, before_points, now)
    assert await reason(client.metrics.ListMetrics(points, metadata=client.metadata)) == "RAW_POINTS_EXPIRED"
    months = list_request(venue, before_rollups, now, granularity="month")
    assert await reason(client.metrics.ListMetrics(months, metadata=client.metadata)) == "SERIES_EXPIRED"
    total = aggregate_request(venue, before_rollups, now, "sum")
    assert await reason(client.metrics.AggregateMetrics(total, metadata=client.metadata)) == "SERIES_EXPIRED"


async def test_another_tenants_token_reads_and_writes_no_venue_of_ours(metrics_process, client):
    """In the predecessor the tenant was never set, so another tenant's token worked."""
    venue, now = uuid4(), datetime.now(UTC)
    await record(client, [metric(venue, now, 1.0)])
    window = (now - timedelta(hours=1), now + timedelta(hours=1))

    async with metrics_process.client(uuid4()) as stranger:
        calls = [
            stranger.metrics.ListMetrics(list_request(venue, *window), metadata=stranger.metadata),
            stranger.metrics.ListMetrics(
                list_request(venue, *window, granularity="hour"), metadata=stranger.metadata
            ),
            stranger.metrics.AggregateMetrics(
                aggregate_request(venue, *window, "sum"), metadata=stranger.metadata
            ),
            stranger.metrics.RecordMetric(
                recording_pb2.RecordMetricRequest(metric_type=TYPE, value=1, venue_id=str(venue)),
                metadata=(*stranger.metadata, ("x-tenant-id", str(uuid4()))),
            ),
        ]
        refusals = [await refused(call) for call in calls]

    assert refusals == [("NOT_FOUND", "VENUE_NOT_FOUND")] * 4
    total = await client.metrics.AggregateMetrics(
        aggregate_request(venue, *window, "count"), metadata=client.metadata
    )
    assert total.value == 1


async def test_a_venue_grant_limits_what_is_read(metrics_process):
    tenant, granted, other, now = uuid4(), uuid4(), uuid4(), datetime.now(UTC)
    async with metrics_process.client(tenant) as owner:
        await record(owner, [metric(granted, now, 1.0), metric(other, now, 1.0)])
    window = (now - timedelta(hours=1), now + timedelta(hours=1))

    async with metrics_process.client(tenant, venue_ids=[granted]) as client:
        seen = await client.metrics.ListMetrics(list_request(granted, *window), metadata=client.metadata)
        refusal = await refused(
            client.metrics.ListMetrics(list_request(other, *window), metadata=client.metadata)
        )

    assert len(seen.points) == 1
    assert refusal == ("NOT_FOUND", "VENUE_NOT_FOUND")


async def test_a_page_token_works_for_its_own_tenant_and_filter_only(metrics_process, loaded):
    tenant, venue, _ = loaded
    window = (datetime(2026, 10, 21, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC))
    async with metrics_process.client(tenant) as client:
        page = await client.metrics.ListMetrics(
            list_request(venue, *window, page_size=3), metadata=client.metadata
        )
        other = list_request(venue, *window, dimension=["gate=north"], page_token=page.next_page_token)

        refusal = await refused(client.metrics.ListMetrics(other, metadata=client.metadata))

    assert refusal == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")
