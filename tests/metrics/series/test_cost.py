"""What a series costs to read, shown by what it does without."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.metrics.series.asking import aggregate_request, list_request, metric, record


async def test_whole_buckets_are_answered_without_reading_a_single_raw_row(client, as_admin):
    """The predecessor aggregated every raw row in the process; here the raw rows may as well be gone."""
    venue, hour = uuid4(), datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    values = {0: [1.0, 2.0], 1: [], 2: [3.0] * 500}
    await record(
        client,
        [metric(venue, hour + timedelta(hours=at, minutes=7), one) for at in values for one in values[at]],
    )
    await as_admin.execute("delete from analytics_metrics where tenant_id = $1", client.tenant_id)

    request = list_request(venue, hour, hour + timedelta(hours=3), granularity="hour")
    series = await client.metrics.ListMetrics(request, metadata=client.metadata)
    total = await client.metrics.AggregateMetrics(
        aggregate_request(venue, hour, hour + timedelta(hours=3), "sum"), metadata=client.metadata
    )

    assert [(bucket.count, bucket.sum) for bucket in series.buckets] == [(2, 3.0), (0, 0.0), (500, 1500.0)]
    assert (total.count, total.value) == (502, 1503.0)
