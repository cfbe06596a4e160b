"""Aggregations of recorded metrics, against naive ones over what was recorded."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import uuid4

import numpy as np
import pytest
from tickettoken.metrics.v1 import recording_pb2

from tests.metrics.figures.asking import query

BEGIN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=3)


async def record(process, tenant, venue, points, metric="queue_length"):
    async with process.client(tenant) as client:
        rows = []
        for at, value, dimensions in points:
            row = recording_pb2.MetricInput(
                metric_type=metric, value=value, venue_id=str(venue), dimensions=dimensions
            )
            row.timestamp.FromDatetime(at)
            rows.append(row)
        for start in range(0, len(rows), 5000):
            request = recording_pb2.BulkRecordMetricsRequest(metrics=rows[start : start + 5000])
            answer = await client.metrics.BulkRecordMetrics(request, metadata=client.metadata)
            assert answer.rejected_count == 0, answer.verdicts[:3]


@pytest.fixture(scope="module")
async def queue(metrics_process):
    """A venue with values of two gates, some with a lane."""
    tenant, venue = uuid4(), uuid4()
    chance = random.Random(3)
    points = []
    for _ in range(1500):
        at = BEGIN + timedelta(microseconds=chance.randrange(2 * 86_400 * 10**6))
        dimensions = {"gate": chance.choice(["north", "south"])}
        if chance.random() < 0.5:
            dimensions["lane"] = chance.choice("123")
        points.append((at, chance.uniform(-50, 50), dimensions))
    await record(metrics_process, tenant, venue, points)
    return tenant, venue, points


NAIVE = {
    "sum": np.sum,
    "avg": np.mean,
    "min": np.min,
    "max": np.max,
    "count": len,
    "last": lambda values: values[-1],
    "p50": lambda values: np.percentile(values, 50),
    "p95": lambda values: np.percentile(values, 95),
    "p99": lambda values: np.percentile(values, 99),
}


async def test_every_aggregation_by_labels_and_filters(figures, queue):
    tenant, venue, points = queue
    spans = [
        (BEGIN, BEGIN + timedelta(days=2)),
        (BEGIN + timedelta(hours=5, minutes=7, seconds=3), BEGIN + timedelta(hours=29, microseconds=11)),
        (BEGIN + timedelta(minutes=2), BEGIN + timedelta(minutes=9)),
    ]
    groupings = [[], ["gate"], ["lane", "gate"], ["no_such_dimension"]]
    filters = [{}, {"gate": "north"}, {"gate": "south", "lane": "2"}, {"gate": "west"}]
    cases = list(product(spans, groupings, filters, NAIVE))

    results = await figures.results(
        tenant,
        *(
            query(
                metric="queue_length",
                venue=venue,
                window=window,
                labels=labels,
                filter=pairs,
                aggregation=one,
            )
            for window, labels, pairs, one in cases
        ),
    )

    for (window, labels, pairs, aggregation), result in zip(cases, results, strict=True):
        groups, newest = defaultdict(list), None
        for at, value, dimensions in sorted(points, key=lambda point: point[0]):
            if window[0] <= at < window[1] and pairs.items() <= dimensions.items():
                key = tuple((label, dimensions[label]) for label in sorted(labels) if label in dimensions)
                groups[key].append(value)
                newest = at
        assert not result.error_reason
        found = {tuple(sorted(one.labels.items())): (one.value, one.count) for one in result.values}
        assert len(found) == len(result.values)
        assert found == {
            key: (
                pytest.approx(float(NAIVE[aggregation](values)), rel=1e-9, abs=1e-9),
                1 if aggregation == "last" else len(values),
            )
            for key, values in groups.items()
        }
        if newest is None:
            assert not result.HasField("as_of")
        else:
            assert result.as_of.ToDatetime(UTC) == newest


async def test_of_two_values_of_one_instant_the_later_stored_is_the_last(figures, metrics_process):
    tenant, venue = uuid4(), uuid4()
    for value in (7.0, 3.0):
        await record(metrics_process, tenant, venue, [(BEGIN, value, {})])

    (found,) = await figures.values(
        tenant,
        query(
            metric="queue_length", venue=venue, aggregation="last", window=(BEGIN, BEGIN + timedelta(hours=1))
        ),
    )

    assert found == [({}, "", 3.0, 1)]


async def test_too_much_of_one_query_is_its_own_affair(figures, metrics_process):
    tenant, venue = uuid4(), uuid4()
    points = [(BEGIN + timedelta(seconds=at), 1.0, {"seat": str(at % 1001)}) for at in range(5001)]
    await record(metrics_process, tenant, venue, points)
    window = (BEGIN, BEGIN + timedelta(days=1))

    def of(aggregation, *labels, window=window, **fields):
        return query(
            metric="queue_length",
            venue=venue,
            window=window,
            labels=labels,
            aggregation=aggregation,
            **fields,
        )

    long_ago = (BEGIN - timedelta(days=500, minutes=1), BEGIN + timedelta(days=1))
    on_quarters = (BEGIN - timedelta(days=500), BEGIN + timedelta(days=1))
    forgotten = (BEGIN - timedelta(days=1500), BEGIN + timedelta(days=1))
    found = await figures.values(
        tenant,
        of("p95"),
        of("sum", "seat"),
        of("last", "seat"),
        of("p50", filter={"seat": "7"}, window=on_quarters),
        of("last", window=on_quarters),
        of("max", window=long_ago),
        of("sum", window=forgotten),
        of("sum", window=on_quarters),
        of("p50", filter={"seat": "7"}),
        of("sum", "seat", filter={"seat": "7"}),
    )

    assert found == [
        "TOO_MANY_VALUES",
        "TOO_MANY_GROUPS",
        "TOO_MANY_GROUPS",
        "RAW_POINTS_EXPIRED",
        "RAW_POINTS_EXPIRED",
        "RAW_POINTS_EXPIRED",
        "SERIES_EXPIRED",
        [({}, "", 5001.0, 5001)],
        [({}, "", 1.0, 5)],
        [({"seat": "7"}, "", 5.0, 5)],
    ]
